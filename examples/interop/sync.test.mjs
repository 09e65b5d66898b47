// Repositories, verified as relays and other servers verify them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AtUri } from '@atproto/api'
import { parseDidKey, Secp256k1Keypair } from '@atproto/crypto'
import {
  MemoryBlockstore, readCar, readCarWithRoot, Repo, verifyDiffCar, verifyProofs, verifyRecords, verifyRepoCar,
} from '@atproto/repo'
import { listAll, rejects, signingKey, signUp } from './pds.mjs'

const collection = 'com.example.note' // which has no lexicon, so that any record key will do

// publish makes a repo of several collections, in which records were created, edited and deleted.
async function publish(agent, repo) {
  const write = (name, rest) => ({ $type: `com.atproto.repo.applyWrites#${name}`, collection, ...rest })
  const value = (text) => ({ $type: collection, text })
  for (let batch = 0; batch < 4; batch++) {
    const writes = Array.from({ length: 50 }, (_, i) => write('create', { rkey: `b${batch}-${i}`, value: value(`${batch} ${i}`) }))
    await agent.com.atproto.repo.applyWrites({ repo, writes })
  }
  const edits = Array.from({ length: 20 }, (_, i) => write('update', { rkey: `b1-${i}`, value: value(`edited ${i}`) }))
  const deletes = Array.from({ length: 30 }, (_, i) => write('delete', { rkey: `b2-${i}` }))
  await agent.com.atproto.repo.applyWrites({ repo, writes: [...edits, ...deletes] })
  const { uri, cid } = await agent.post({ text: 'the last one' })
  await agent.like(uri, cid)
  await agent.follow(repo)
  await agent.upsertProfile(() => ({ displayName: 'Whole' }))
}

const pathOf = ({ collection, rkey }) => `${collection}/${rkey}`
const cidsOf = (entries) => Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))

test('getRepo is the whole signed repo', async () => {
  const { agent, did } = await signUp('repo')
  const key = await signingKey(did)
  assert.equal(parseDidKey(key).jwtAlg, 'ES256K')

  const { data: empty } = await agent.com.atproto.sync.getRepo({ did })
  assert.deepEqual((await verifyRepoCar(empty, did, key)).creates, [], 'a new repo is empty')

  await publish(agent, did)
  const { data: car, headers } = await agent.com.atproto.sync.getRepo({ did })
  assert.match(headers['content-type'], /^application\/vnd\.ipld\.car/)
  const { creates, commit } = await verifyRepoCar(car, did, key)
  const listed = await listAll(agent, did)
  assert.equal(creates.length, 4 * 50 - 30 + 4)
  assert.deepEqual(
    cidsOf(creates.map((c) => [pathOf(c), c.cid.toString()])),
    cidsOf([...listed].map(([path, r]) => [path, r.cid])),
  )

  const { data: head } = await agent.com.atproto.sync.getLatestCommit({ did })
  assert.deepEqual(head, { cid: commit.cid.toString(), rev: commit.rev })

  const records = await verifyRecords(car, did, key)
  assert.equal(records.length, listed.size)
  for (const r of records) {
    assert.deepEqual(plain(r.record), plain(listed.get(pathOf(r)).value), pathOf(r))
  }

  // What is verified here can also fail.
  const other = (await Secp256k1Keypair.create()).did()
  await assert.rejects(verifyRepoCar(car, did, other), /Invalid signature/)
  await assert.rejects(verifyRepoCar(car, 'did:plc:ewvi7nxzyoun6zhxrhs64oiz', key), /Invalid repo did/)
})

test('getRepo with since is what changed', async () => {
  const { agent, did } = await signUp('since')
  const key = await signingKey(did)
  await publish(agent, did)
  const { data: before } = await agent.com.atproto.sync.getRepo({ did })
  const { root, blocks } = await readCarWithRoot(before)
  const old = await Repo.load(new MemoryBlockstore(blocks), root)

  const { uri } = await agent.post({ text: 'new' })
  const { rkey } = new AtUri(uri)
  const record = { $type: collection, text: 'changed' }
  await agent.com.atproto.repo.putRecord({ repo: did, collection, rkey: 'b3-3', record })
  await agent.com.atproto.repo.deleteRecord({ repo: did, collection, rkey: 'b3-4' })

  const { data: car } = await agent.com.atproto.sync.getRepo({ did, since: old.commit.rev })
  assert.ok(car.length < before.length / 2, `${car.length} bytes of ${before.length}`)
  const { writes } = await verifyDiffCar(old, car, did, key)
  assert.deepEqual(
    cidsOf(writes.map((w) => [w.rkey, w.action])),
    cidsOf([[rkey, 'create'], ['b3-3', 'update'], ['b3-4', 'delete']]),
  )
})

test('getRecord proves that a record is there, and that it is not', async () => {
  const { agent, did } = await signUp('proof')
  const key = await signingKey(did)
  await publish(agent, did)
  const listed = await listAll(agent, did)
  const { root: head } = await readCarWithRoot((await agent.com.atproto.sync.getRepo({ did })).data)

  for (const rkey of ['b0-0', 'b1-7', 'b3-49']) {
    const { data: proof } = await agent.com.atproto.sync.getRecord({ did, collection, rkey })
    const { root, blocks } = await readCarWithRoot(proof)
    assert.ok(root.equals(head))
    const cid = blocks.cids().find((c) => c.toString() === listed.get(`${collection}/${rkey}`).cid)
    assert.ok(cid, 'the record is not part of its proof')
    const claim = { collection, rkey, cid }
    assert.deepEqual(await verifyProofs(proof, [claim], did, key), { verified: [claim], unverified: [] })
    const denial = { ...claim, cid: null }
    assert.deepEqual(await verifyProofs(proof, [denial], did, key), { verified: [], unverified: [denial] })
  }

  const absent = { collection, rkey: 'b2-3', cid: null }
  const { data: proof } = await agent.com.atproto.sync.getRecord({ did, collection, rkey: 'b2-3' })
  assert.deepEqual(await verifyProofs(proof, [absent], did, key), { verified: [absent], unverified: [] })
})

test('getBlocks', async () => {
  const { agent, did } = await signUp('blocks')
  await publish(agent, did)
  const listed = await listAll(agent, did)
  const cids = [...listed.values()].slice(0, 3).map((r) => r.cid)
  const { data: car } = await agent.com.atproto.sync.getBlocks({ did, cids })
  const { blocks } = await readCar(car)
  assert.deepEqual(blocks.cids().map(String).sort(), cids.toSorted())
})

test('repos that are not there', async () => {
  const { agent } = await signUp('absent')
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
  await rejects(agent.com.atproto.sync.getRepo({ did }), 400, 'RepoNotFound')
  await rejects(agent.com.atproto.sync.getLatestCommit({ did }), 400, 'RepoNotFound')
})

// plain returns a value as JSON has it.
const plain = (value) => JSON.parse(JSON.stringify(value))
