// What the server accepts is what the official client reads: how deeply records may be nested, and what else they may have.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonToLex, lexToJson } from '@atproto/api'
import { verifyRecords } from '@atproto/repo'
import { rejects, signingKey, signUp } from './pds.mjs'

const collection = 'com.example.note'

// nested returns a record of so many levels, objects and arrays in turn, with a link in the last.
function nested(levels) {
  let value = { $link: 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a' }
  for (let i = levels; i > 1; i--) value = i % 2 ? [value] : { a: value }
  return { $type: collection, a: value }
}

test('records of 31 and 32 levels', async () => {
  const { agent, did: repo } = await signUp('deep')
  const key = await signingKey(repo)
  const want = new Map()
  for (const levels of [31, 32]) {
    const rkey = `levels${levels}`
    want.set(rkey, nested(levels))
    await agent.com.atproto.repo.createRecord({ repo, collection, rkey, record: jsonToLex(nested(levels)) })
    const { data } = await agent.com.atproto.repo.getRecord({ repo, collection, rkey })
    assert.deepEqual(lexToJson(data.value), nested(levels))
  }
  const { data: car } = await agent.com.atproto.sync.getRepo({ did: repo })
  const records = await verifyRecords(car, repo, key)
  assert.equal(records.length, 2)
  for (const { rkey, record } of records) assert.deepEqual(lexToJson(record), want.get(rkey))
})

test('what is refused leaves nothing behind', async () => {
  const { agent, did: repo } = await signUp('deeper')
  const { data: before } = await agent.com.atproto.sync.getLatestCommit({ did: repo })
  const create = (record) => agent.com.atproto.repo.createRecord({ repo, collection, rkey: 'refused', record })
  await rejects(create(jsonToLex(nested(33))), 400, 'InvalidRequest', /\/a\/a\/.*deeper than 32 levels/)
  await rejects(create(jsonToLex(nested(500))), 400, 'InvalidRequest', /deeper than 32 levels/)
  await rejects(create({ n: Number.MAX_SAFE_INTEGER + 1 }), 400, 'InvalidRequest', /\/n: numbers must be integers/)
  await rejects(create({ text: 'half a 😀'.slice(0, -1) }), 400, 'InvalidRequest', /valid Unicode/)
  const { data: after } = await agent.com.atproto.sync.getLatestCommit({ did: repo })
  assert.deepEqual(after, before)
})

// Records whose JSON the client doesn't read are refused, too. They are sent without it, which wouldn't.
test('what the client cannot read is refused', async () => {
  const { agent, did: repo } = await signUp('unread')
  const record = '{"__proto__":{"a":1}}'
  assert.throws(() => jsonToLex(JSON.parse(record)))
  const res = await agent.fetchHandler('/xrpc/com.atproto.repo.createRecord', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"repo":"${repo}","collection":"${collection}","record":${record}}`,
  })
  assert.equal(res.status, 400)
  assert.equal((await res.json()).error, 'InvalidRequest')
})

test('the extremes of what is accepted', async () => {
  const { agent, did: repo } = await signUp('extreme')
  const record = {
    $type: collection, max: Number.MAX_SAFE_INTEGER, min: Number.MIN_SAFE_INTEGER, '': null, text: '\u0000\ufffd😀',
    v0: { $link: 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnzXAR' }, none: { $bytes: '' }, list: [[], {}, [null]],
  }
  await agent.com.atproto.repo.createRecord({ repo, collection, record: jsonToLex(record) })
  const { data } = await agent.com.atproto.repo.listRecords({ repo, collection })
  assert.deepEqual(lexToJson(data.records[0].value), record)
  const { data: car } = await agent.com.atproto.sync.getRepo({ did: repo })
  const [read] = await verifyRecords(car, repo, await signingKey(repo))
  assert.deepEqual(lexToJson(read.record), record)
})
