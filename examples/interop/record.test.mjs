// Writing and reading records, as the app does it and as the protocol allows it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AtUri, ComAtprotoRepoPutRecord, RichText } from '@atproto/api'
import { rejects, signUp } from './pds.mjs'

const now = () => new Date().toISOString()

// get returns a record by its URI.
async function get(agent, uri) {
  const { host, collection, rkey } = new AtUri(uri)
  return (await agent.com.atproto.repo.getRecord({ repo: host, collection, rkey })).data
}

test('post, reply, like, repost and follow', async () => {
  const { agent, did } = await signUp('writer')
  const other = await signUp('friend')

  const text = new RichText({ text: 'Hello, see https://atproto.com and the café 🧋' })
  text.detectFacetsWithoutResolution()
  const record = { text: text.text, facets: text.facets, langs: ['en'], createdAt: now() }
  const post = await agent.post(record)
  assert.ok(post.commit.cid && post.commit.rev)
  const got = await get(agent, post.uri)
  assert.equal(got.uri, post.uri)
  assert.equal(got.cid, post.cid)
  assert.deepEqual(JSON.parse(JSON.stringify(got.value)), { $type: 'app.bsky.feed.post', ...JSON.parse(JSON.stringify(record)) })

  const ref = { uri: post.uri, cid: post.cid }
  const reply = await other.agent.post({ text: 'Welcome', reply: { root: ref, parent: ref } })
  assert.deepEqual((await get(agent, reply.uri)).value.reply.parent, ref)
  const like = await other.agent.like(post.uri, post.cid)
  assert.deepEqual((await get(agent, like.uri)).value.subject, ref)
  const repost = await other.agent.repost(post.uri, post.cid)
  const follow = await other.agent.follow(did)
  assert.equal((await get(agent, follow.uri)).value.subject, did)

  await other.agent.deleteLike(like.uri)
  await other.agent.deleteRepost(repost.uri)
  await other.agent.deleteFollow(follow.uri)
  const { data } = await agent.com.atproto.repo.describeRepo({ repo: other.handle })
  assert.equal(data.did, other.did)
  assert.equal(data.handle, other.handle)
  assert.equal(data.handleIsCorrect, true)
  assert.deepEqual(data.collections, ['app.bsky.feed.post'])
})

test('upsertProfile creates and then updates the profile', async () => {
  const { agent, did } = await signUp('profile')
  await agent.upsertProfile((old) => {
    assert.equal(old, undefined)
    return { displayName: 'Ada' }
  })
  await agent.upsertProfile((old) => ({ ...old, description: 'Counts' }))
  const { value } = await get(agent, `at://${did}/app.bsky.actor.profile/self`)
  assert.equal(value.displayName, 'Ada')
  assert.equal(value.description, 'Counts')
})

test('putRecord edits and deleteRecord deletes', async () => {
  const { agent, did: repo } = await signUp('editor')
  const collection = 'app.bsky.feed.post'
  const { uri, cid } = await agent.post({ text: 'frist' })
  const { rkey } = new AtUri(uri)
  const record = { $type: collection, text: 'first', createdAt: now() }
  const put = await agent.com.atproto.repo.putRecord({ repo, collection, rkey, record, swapRecord: cid })
  assert.equal(put.data.uri, uri)
  assert.notEqual(put.data.cid, cid)
  const got = await get(agent, uri)
  assert.equal(got.value.text, 'first')
  assert.equal(got.cid, put.data.cid)

  // The same again changes nothing.
  const again = await agent.com.atproto.repo.putRecord({ repo, collection, rkey, record })
  assert.equal(again.data.cid, put.data.cid)

  await agent.deletePost(uri)
  await rejects(get(agent, uri), 400, 'RecordNotFound')
  await agent.deletePost(uri) // what isn't there is deleted
})

test('applyWrites is one commit', async () => {
  const { agent, did: repo } = await signUp('batch')
  const collection = 'app.bsky.feed.post'
  const edited = new AtUri((await agent.post({ text: 'to edit' })).uri).rkey
  const deleted = new AtUri((await agent.post({ text: 'to delete' })).uri).rkey
  const $type = (name) => `com.atproto.repo.applyWrites#${name}`
  const value = (text) => ({ $type: collection, text, createdAt: now() })
  const { data } = await agent.com.atproto.repo.applyWrites({
    repo,
    writes: [
      { $type: $type('create'), collection, value: value('created') },
      { $type: $type('create'), collection, rkey: '3jzfcijpj2z2a', value: value('chosen') },
      { $type: $type('update'), collection, rkey: edited, value: value('edited') },
      { $type: $type('delete'), collection, rkey: deleted },
    ],
  })
  assert.deepEqual(
    data.results.map((r) => r.$type),
    ['createResult', 'createResult', 'updateResult', 'deleteResult'].map($type),
  )
  const head = await agent.com.atproto.sync.getLatestCommit({ did: repo })
  assert.deepEqual({ cid: head.data.cid, rev: head.data.rev }, { cid: data.commit.cid, rev: data.commit.rev })
  const list = await agent.com.atproto.repo.listRecords({ repo, collection })
  assert.deepEqual(list.data.records.map((r) => r.value.text).sort(), ['chosen', 'created', 'edited'])

  // All or nothing: the second write can't be done.
  await assert.rejects(
    agent.com.atproto.repo.applyWrites({
      repo,
      writes: [
        { $type: $type('create'), collection, rkey: '3jzfcijpj2z2b', value: value('half') },
        { $type: $type('update'), collection, rkey: deleted, value: value('is gone') },
      ],
    }),
    (err) => err.status === 400,
  )
  await rejects(get(agent, `at://${repo}/${collection}/3jzfcijpj2z2b`), 400, 'RecordNotFound')
})

test('listRecords pages in both directions', async () => {
  const { agent, did: repo } = await signUp('lister')
  const collection = 'app.bsky.feed.post'
  const uris = []
  for (let i = 0; i < 5; i++) uris.push((await agent.post({ text: `post ${i}` })).uri)
  for (const [reverse, want] of [[false, uris.toReversed()], [true, uris]]) {
    const got = []
    let cursor
    do {
      const page = await agent.com.atproto.repo.listRecords({ repo, collection, limit: 2, reverse, cursor })
      assert.ok(page.data.records.length <= 2)
      got.push(...page.data.records.map((r) => r.uri))
      cursor = page.data.cursor
    } while (cursor)
    assert.deepEqual(got, want)
  }
})

test('swaps that lose', async () => {
  const { agent, did: repo } = await signUp('swap')
  const collection = 'app.bsky.feed.post'
  const first = await agent.post({ text: 'one' })
  const { rkey } = new AtUri(first.uri)
  const record = { $type: collection, text: 'two', createdAt: now() }
  const { data: second } = await agent.com.atproto.repo.putRecord({ repo, collection, rkey, record })

  const { putRecord, deleteRecord, createRecord, applyWrites } = bound(agent.com.atproto.repo)
  const third = { ...record, text: 'three' }
  await rejects(putRecord({ repo, collection, rkey, record: third, swapRecord: first.cid }), 400, 'InvalidSwap')
  await rejects(putRecord({ repo, collection, rkey, record: third, swapRecord: null }), 400, 'InvalidSwap')
  await rejects(putRecord({ repo, collection, rkey, record: third, swapCommit: first.commit.cid }), 400, 'InvalidSwap')
  await rejects(putRecord({ repo, collection, rkey: '3jzfcijpj2z2a', record, swapRecord: first.cid }), 400, 'InvalidSwap')
  await rejects(deleteRecord({ repo, collection, rkey, swapRecord: first.cid }), 400, 'InvalidSwap')
  await rejects(createRecord({ repo, collection, record, swapCommit: first.commit.cid }), 400, 'InvalidSwap')
  const writes = [{ $type: 'com.atproto.repo.applyWrites#delete', collection, rkey }]
  await rejects(applyWrites({ repo, swapCommit: first.commit.cid, writes }), 400, 'InvalidSwap')
  await assert.rejects(
    putRecord({ repo, collection, rkey, record: third, swapRecord: first.cid }),
    ComAtprotoRepoPutRecord.InvalidSwapError,
  )
  assert.equal((await get(agent, first.uri)).cid, second.cid)
  await putRecord({ repo, collection, rkey, record: third, swapCommit: second.commit.cid })
})

test('writes that are refused', async () => {
  const { agent, did: repo } = await signUp('refused')
  const other = await signUp('victim')
  const collection = 'app.bsky.feed.post'
  const record = { $type: collection, text: 'hello', createdAt: now() }
  const { putRecord, createRecord } = bound(agent.com.atproto.repo)
  const refused = (promise, ...names) => assert.rejects(promise, (err) => {
    assert.ok([400, 401, 403].includes(err.status), err)
    if (names.length > 0) assert.ok(names.includes(err.error), err)
    return true
  })
  await refused(createRecord({ repo: other.did, collection, record }))
  await refused(createRecord({ repo, collection, record: { ...record, $type: 'app.bsky.feed.like' } }), 'InvalidRequest')
  await refused(putRecord({ repo, collection, rkey: 'a/b', record }), 'InvalidRequest')
  await refused(putRecord({ repo, collection, rkey: '..', record }), 'InvalidRequest')
  await refused(createRecord({ repo, collection: 'com.example.thing', validate: true, record: { $type: 'com.example.thing' } }))
  assert.equal((await agent.com.atproto.repo.listRecords({ repo, collection })).data.records.length, 0)

  // A lexicon that the server doesn't know is no reason to refuse a record.
  const thing = await createRecord({ repo, collection: 'com.example.thing', record: { $type: 'com.example.thing', n: 1 } })
  assert.equal(thing.data.validationStatus, 'unknown')
})

test('records that break their lexicon are refused', async (t) => {
  const { agent, did: repo } = await signUp('lexicon')
  const collection = 'app.bsky.feed.post'
  const record = { $type: collection, text: 'hello', createdAt: now() }
  const { createRecord } = bound(agent.com.atproto.repo)
  const { data } = await createRecord({ repo, collection, record })
  if (data.validationStatus !== 'valid') return t.skip('the server does not have the lexicon of a post')
  for (const wrong of [{ text: 7 }, { text: 'x'.repeat(3001) }, { createdAt: 'yesterday' }, { langs: ['x y'] }]) {
    await rejects(createRecord({ repo, collection, record: { ...record, ...wrong } }), 400, 'InvalidRequest')
  }
})

// bound returns an object's methods, to be called without it.
function bound(object) {
  return new Proxy(object, { get: (target, name) => target[name].bind(target) })
}
