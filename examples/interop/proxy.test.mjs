// An AppView behind the server: a small one, which runs in the test and has a DID of its own.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { verifySignature } from '@atproto/crypto'
import { pdsURL, rejects, signingKey, signUp } from './pds.mjs'

const size = 50 * 1024 * 1024
let view, did, last
const answers = new Map() // by method; functions of request and response

before(async () => {
  view = createServer((req, res) => {
    const { port } = view.address()
    if (req.url === '/.well-known/did.json') {
      const service = [{ id: '#bsky_appview', type: 'BskyAppView', serviceEndpoint: `http://localhost:${port}` }]
      return json(res, { '@context': ['https://www.w3.org/ns/did/v1'], id: did, service })
    }
    last = req
    const method = new URL(req.url, 'http://localhost').pathname.slice('/xrpc/'.length)
    const answer = answers.get(method)
    return answer ? answer(req, res) : json(res, { error: 'MethodNotImplemented', message: method }, 501)
  })
  await new Promise((resolve) => view.listen(0, 'localhost', resolve))
  did = `did:web:localhost%3A${view.address().port}`
})

after(() => view.close())

function json(res, value, status = 200, headers = {}) {
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  res.end(JSON.stringify(value))
}

// viewer returns somebody whose app uses the AppView.
async function viewer(name) {
  const user = await signUp(name)
  return { ...user, direct: user.agent, agent: user.agent.withProxy('bsky_appview', did) }
}

// verify asserts that the AppView was asked with a token of the account, and returns what it says.
async function verify(user, method, aud = did) {
  const [header, claims, signature] = last.headers.authorization.replace('Bearer ', '').split('.')
  const { alg, typ, kid } = JSON.parse(Buffer.from(header, 'base64url'))
  assert.deepEqual({ typ, kid }, { typ: 'JWT', kid: '#atproto' })
  const ok = await verifySignature(await signingKey(user), Buffer.from(`${header}.${claims}`), Buffer.from(signature, 'base64url'), { jwtAlg: alg })
  assert.ok(ok, 'the account has not signed the token')
  const { iss, aud: audience, lxm, exp, iat, jti } = JSON.parse(Buffer.from(claims, 'base64url'))
  assert.deepEqual({ iss, aud: audience, lxm, lifetime: exp - iat }, { iss: user, aud, lxm: method, lifetime: 60 })
  assert.ok(jti)
}

test('requests carry a token of the account, and nothing else of the client', async () => {
  const { agent, did: user } = await viewer('proxy')
  answers.set('app.bsky.feed.searchPosts', (req, res) =>
    json(res, { posts: [] }, 200, { 'atproto-content-labelers': 'did:web:labels.example.com', 'set-cookie': 'a=b' }))
  agent.configureLabelers(['did:web:labels.example.com'])
  const res = await agent.app.bsky.feed.searchPosts({ q: 'cats & dogs', limit: 7 }, { headers: { cookie: 'a=b', 'accept-language': 'de' } })
  assert.deepEqual(res.data, { posts: [] })
  assert.equal(res.headers['atproto-content-labelers'], 'did:web:labels.example.com')
  assert.ok(!res.headers['set-cookie'])
  assert.equal(new URL(last.url, 'http://x').searchParams.get('q'), 'cats & dogs')
  assert.match(last.headers['atproto-accept-labelers'], /did:web:labels\.example\.com/)
  assert.equal(last.headers['accept-language'], 'de')
  for (const name of ['cookie', 'atproto-proxy', 'x-forwarded-for', 'origin']) assert.ok(!(name in last.headers), name)
  await verify(user, 'app.bsky.feed.searchPosts')
})

test('errors come through by name', async () => {
  const { agent } = await viewer('errors')
  answers.set('app.bsky.graph.getList', (req, res) => json(res, { error: 'ListGone', message: 'no such list' }, 404))
  await rejects(agent.app.bsky.graph.getList({ list: 'at://did:web:x.example/app.bsky.graph.list/x' }), 404, 'ListGone', /no such list/)
  answers.set('app.bsky.graph.getList', (req, res) => json(res, { error: 'InternalServerError' }, 500))
  await rejects(agent.app.bsky.graph.getList({ list: 'at://did:web:x.example/app.bsky.graph.list/x' }), 502, 'InternalServerError')
  answers.set('app.bsky.graph.getList', (req) => req.socket.destroy())
  await rejects(agent.app.bsky.graph.getList({ list: 'at://did:web:x.example/app.bsky.graph.list/x' }), 502, 'UpstreamFailure')
})

test('an AppView that hangs, lies or answers junk', async () => {
  const { agent } = await viewer('broken')
  const list = { list: 'at://did:web:x.example/app.bsky.graph.list/x' }
  answers.set('app.bsky.graph.getList', () => {})
  await rejects(agent.app.bsky.graph.getList(list), 504, 'UpstreamTimeout')

  answers.set('app.bsky.graph.getList', (req, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    res.write('{"list":')
    setTimeout(() => req.socket.destroy(), 50)
  })
  await assert.rejects(agent.app.bsky.graph.getList(list))

  const junk = Buffer.alloc(1024 * 1024, '[')
  const send = (status) => async (req, res) => {
    res.writeHead(status, { 'content-type': 'application/json', 'atproto-repo-rev': '3jzfcijpj2z2a' })
    for (let n = 0; n < 30 && !res.destroyed; n++) {
      if (!res.write(junk)) await Promise.race(['drain', 'close'].map((e) => new Promise((resolve) => res.once(e, resolve))))
    }
    res.end()
  }
  answers.set('app.bsky.graph.getList', send(400))
  await rejects(agent.app.bsky.graph.getList(list), 400, 'InvalidRequest')
  answers.set('app.bsky.feed.getTimeline', send(200)) // which is patched otherwise
  await assert.rejects(agent.getTimeline())

  answers.set('app.bsky.feed.searchPosts', (req, res) => json(res, { posts: [] }))
  assert.deepEqual((await agent.app.bsky.feed.searchPosts({ q: 'still there' })).data.posts, [])
})

test('50 MB stream through', async () => {
  const { agent, did: user } = await viewer('stream')
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  answers.set('com.example.download', async (req, res) => {
    res.writeHead(200, { 'content-type': 'application/octet-stream' })
    for (let n = 0; n < size; n += chunk.length) {
      if (!res.write(chunk)) await new Promise((resolve) => res.once('drain', resolve))
    }
    res.end()
  })
  const headers = { authorization: `Bearer ${agent.sessionManager.session.accessJwt}`, 'atproto-proxy': `${did}#bsky_appview` }
  const res = await fetch(`${pdsURL}/xrpc/com.example.download`, { headers })
  let n = 0
  for await (const part of res.body) n += part.length
  assert.equal(n, size)
  await verify(user, 'com.example.download')
})

test('a post shows in the timeline before the AppView knows of it', async () => {
  const { agent, direct, did: user, handle } = await viewer('raw')
  const known = await agent.post({ text: 'known', createdAt: new Date().toISOString() })
  const rev = known.commit.rev
  const post = await agent.post({ text: 'fresh', createdAt: new Date().toISOString() })
  answers.set('app.bsky.feed.getTimeline', (req, res) => json(res, { feed: [] }, 200, { 'atproto-repo-rev': rev }))
  const { data, headers } = await agent.getTimeline()
  assert.deepEqual(data.feed.map((item) => item.post.uri), [post.uri])
  assert.equal(data.feed[0].post.record.text, 'fresh')
  assert.equal(data.feed[0].post.author.handle, handle)
  assert.ok(headers['atproto-upstream-lag'])
  await verify(user, 'app.bsky.feed.getTimeline')

  answers.set('app.bsky.feed.getPostThread', (req, res) =>
    json(res, { error: 'NotFound', message: 'Post not found' }, 400, { 'atproto-repo-rev': rev }))
  const thread = await agent.getPostThread({ uri: post.uri })
  assert.equal(thread.data.thread.post.cid, post.cid)
  await rejects(agent.getPostThread({ uri: known.uri }), 400, 'NotFound')

  await direct.upsertProfile(() => ({ displayName: 'New' }))
  answers.set('app.bsky.actor.getProfile', (req, res) =>
    json(res, { did: user, handle, displayName: 'Old', followersCount: 3 }, 200, { 'atproto-repo-rev': rev }))
  const profile = await agent.getProfile({ actor: user })
  assert.deepEqual([profile.data.displayName, profile.data.followersCount], ['New', 3])
})

test("a feed's token is for its generator", async () => {
  const { agent, did: user } = await viewer('feed')
  const feed = 'at://did:web:someone.example.com/app.bsky.feed.generator/cats'
  answers.set('com.atproto.repo.getRecord', (req, res) => {
    assert.ok(!req.headers.authorization)
    json(res, { uri: feed, value: { did: 'did:web:feed.example.com' } })
  })
  answers.set('app.bsky.feed.getFeed', (req, res) => json(res, { feed: [] }))
  assert.deepEqual((await agent.app.bsky.feed.getFeed({ feed })).data.feed, [])
  await verify(user, 'app.bsky.feed.getFeedSkeleton', 'did:web:feed.example.com')
})

test('preferences', async () => {
  const { direct: agent } = await viewer('prefs')
  await agent.setAdultContentEnabled(true)
  await agent.setPersonalDetails({ birthDate: '2000-01-01T00:00:00.000Z' })
  await agent.addSavedFeeds([{ type: 'timeline', value: 'following', pinned: true }])
  const prefs = await agent.getPreferences()
  assert.equal(prefs.moderationPrefs.adultContentEnabled, true)
  assert.equal(prefs.birthDate.getUTCFullYear(), 2000)
  const { data } = await agent.app.bsky.actor.getPreferences()
  const age = data.preferences.find((p) => p.$type === 'app.bsky.actor.defs#declaredAgePref')
  assert.equal(age.isOverAge18, true)
})

test('getServiceAuth', async () => {
  const { agent, did: user } = await signUp('auth')
  const { data } = await agent.com.atproto.server.getServiceAuth({ aud: `${did}#x`, lxm: 'com.example.thing' })
  last = { headers: { authorization: data.token } }
  await verify(user, 'com.example.thing', `${did}#x`)
  await rejects(agent.com.atproto.server.getServiceAuth({ aud: did, exp: 1 }), 400, 'BadExpiration')
})

test('an account that is here already does not move in', async () => {
  const { agent, did: user, handle } = await signUp('mover')
  const { data: server } = await agent.com.atproto.server.describeServer()
  const { data } = await agent.com.atproto.server.getServiceAuth({ aud: server.did, lxm: 'com.atproto.server.createAccount' })
  const fresh = new AtpAgent({ service: pdsURL })
  await rejects(
    fresh.com.atproto.server.createAccount({ handle, did: user, email: `new-${handle}@example.com`, password: 'correct horse' },
      { headers: { authorization: `Bearer ${data.token}` }, encoding: 'application/json' }),
    400, 'InvalidRequest', /already exists/)
})
