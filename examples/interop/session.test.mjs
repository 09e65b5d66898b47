// Accounts and sessions, as apps use them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { bearer, didDocument, expire, pdsURL, rejects, signUp } from './pds.mjs'

test('createAccount registers a DID and signs in', async () => {
  const { agent, did, handle, email } = await signUp('create')
  assert.match(did, /^did:plc:[a-z2-7]{24}$/)
  assert.equal(agent.session.handle, handle)
  assert.equal(agent.pdsUrl.origin, pdsURL, 'the session names another server')

  const { data } = await agent.com.atproto.server.getSession()
  assert.equal(data.did, did)
  assert.equal(data.handle, handle)
  assert.equal(data.email, email)
  assert.equal(data.active, true)

  const doc = await didDocument(did)
  assert.equal(doc.id, did)
  assert.deepEqual(doc.alsoKnownAs, [`at://${handle}`])
  assert.equal(doc.service.find((s) => s.id.endsWith('#atproto_pds')).serviceEndpoint, pdsURL)
  assert.equal((await agent.resolveHandle({ handle })).data.did, did)
})

test('describeServer says what sign-up takes', async () => {
  const agent = new AtpAgent({ service: pdsURL })
  const { data } = await agent.com.atproto.server.describeServer()
  assert.match(data.did, /^did:web:/)
  assert.deepEqual(data.availableUserDomains, ['.test'])
  assert.ok(!data.inviteCodeRequired)
})

test('createAccount refuses what is taken', async () => {
  const { handle, email } = await signUp('taken')
  const agent = new AtpAgent({ service: pdsURL })
  const password = 'correct horse'
  await assert.rejects(agent.createAccount({ handle, email: `other-${email}`, password }), /Handle already taken/)
  await assert.rejects(agent.createAccount({ handle: `x${handle}`, email, password }), /Email already taken/)
  await assert.rejects(
    agent.createAccount({ handle: 'a_b.test', email: `third-${email}`, password }),
    (err) => err.status === 400 && ['InvalidHandle', 'InvalidRequest'].includes(err.error),
  )
})

test('createSession takes a handle, a DID or an address', async () => {
  const { did, handle, email, password } = await signUp('login')
  for (const identifier of [handle, handle.toUpperCase(), did, email]) {
    const agent = new AtpAgent({ service: pdsURL })
    await agent.login({ identifier, password })
    assert.equal(agent.session.did, did)
  }
  const agent = new AtpAgent({ service: pdsURL })
  await rejects(agent.login({ identifier: handle, password: `${password}x` }), 401, 'AuthenticationRequired')
  await rejects(agent.login({ identifier: 'nobody.test', password }), 401, 'AuthenticationRequired')
})

test('resumeSession and refreshSession', async () => {
  const { agent: first, did } = await signUp('resume')
  const agent = new AtpAgent({ service: pdsURL })
  await agent.resumeSession(first.session)
  assert.equal(agent.session.did, did)

  const { data } = await agent.com.atproto.server.refreshSession(undefined, bearer(agent.session.refreshJwt))
  assert.equal(data.did, did)
  assert.notEqual(data.refreshJwt, agent.session.refreshJwt)
  const session = await agent.com.atproto.server.getSession({}, bearer(data.accessJwt))
  assert.equal(session.data.did, did)
  await agent.com.atproto.server.refreshSession(undefined, bearer(data.refreshJwt))
})

test('a client whose access token has expired refreshes its session by itself', async () => {
  const { agent: first, did } = await signUp('expired')
  const events = []
  const agent = new AtpAgent({ service: pdsURL, persistSession: (event) => events.push(event) })
  agent.sessionManager.session = { ...first.session, accessJwt: expire(first.session.accessJwt) }
  const { uri } = await agent.post({ text: 'after a long sleep' })
  assert.ok(uri.startsWith(`at://${did}/app.bsky.feed.post/`))
  assert.deepEqual(events, ['update'])
})

test('wrong tokens', async () => {
  const { agent } = await signUp('tokens')
  const { accessJwt, refreshJwt } = agent.session
  const { server } = new AtpAgent({ service: pdsURL }).com.atproto
  const forged = accessJwt.slice(0, -20) + 'A'.repeat(20)
  await rejects(server.getSession(), 401, 'AuthMissing')
  await rejects(server.getSession({}, bearer(expire(accessJwt))), 400, 'ExpiredToken')
  await rejects(server.getSession({}, bearer(forged)), 400, 'InvalidToken')
  await rejects(server.getSession({}, bearer('nonsense')), 400, 'InvalidToken')
  await rejects(server.getSession({}, bearer(refreshJwt)), 400, 'InvalidToken')
  await rejects(server.refreshSession(undefined, bearer(accessJwt)), 400, 'InvalidToken')
})

test('logout ends the session', async () => {
  const { agent } = await signUp('logout')
  const { refreshJwt } = agent.session
  await agent.logout()
  const { server } = agent.com.atproto
  await rejects(server.refreshSession(undefined, bearer(refreshJwt)), 400, 'ExpiredToken')
})

test('an app logs in by an app password until it is revoked', async () => {
  const { agent: owner, did, handle } = await signUp('apps')
  const { data: made } = await owner.com.atproto.server.createAppPassword({ name: 'my app', privileged: true })
  assert.match(made.password, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
  const { data: list } = await owner.com.atproto.server.listAppPasswords()
  assert.deepEqual(list.passwords, [{ name: 'my app', createdAt: made.createdAt, privileged: true }])

  const app = new AtpAgent({ service: pdsURL })
  await app.login({ identifier: handle, password: made.password })
  assert.equal(app.session.did, did)
  await app.post({ text: 'by an app' })
  await rejects(app.com.atproto.server.createAppPassword({ name: 'another' }), 400, 'InvalidToken')

  const { refreshJwt } = app.session
  await owner.com.atproto.server.revokeAppPassword({ name: 'my app' })
  await rejects(app.login({ identifier: handle, password: made.password }), 401, 'AuthenticationRequired')
  await rejects(app.com.atproto.server.refreshSession(undefined, bearer(refreshJwt)), 400, 'ExpiredToken')
})
