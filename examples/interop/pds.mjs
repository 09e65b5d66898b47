// What the tests share: the server, and accounts on it.
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { AtpAgent } from '@atproto/api'

export const pdsURL = process.env.INTEROP_PDS_URL
const plcURL = process.env.INTEROP_PLC_URL
const jwtSecret = process.env.INTEROP_JWT_SECRET

// signUp creates an account, and returns an agent that is signed in to it, with its credentials.
export async function signUp(name) {
  const agent = new AtpAgent({ service: pdsURL })
  const handle = `${name}${randomBytes(4).toString('hex')}.test`
  const credentials = { handle, email: `${handle}@example.com`, password: randomBytes(12).toString('hex') }
  await agent.createAccount(credentials)
  return { agent, did: agent.session.did, ...credentials }
}

// didDocument returns the document that the PLC directory serves.
export async function didDocument(did) {
  const res = await fetch(`${plcURL}/${did}`)
  assert.equal(res.status, 200)
  return res.json()
}

// signingKey returns the did:key with which a repo is signed, by its DID document.
export async function signingKey(did) {
  const { verificationMethod } = await didDocument(did)
  const method = verificationMethod.find((m) => m.id.endsWith('#atproto'))
  assert.equal(method.type, 'Multikey')
  return `did:key:${method.publicKeyMultibase}`
}

// expire returns a token that says the same as another, but had expired a minute ago, signed with the server's secret.
export function expire(token) {
  const [header, body] = token.split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url'))
  const now = Math.floor(Date.now() / 1000)
  const old = Buffer.from(JSON.stringify({ ...claims, iat: now - 7260, exp: now - 60 })).toString('base64url')
  const mac = createHmac('sha256', jwtSecret).update(`${header}.${old}`).digest('base64url')
  return `${header}.${old}.${mac}`
}

// bearer returns the options of a call that is made with this token and no other.
export function bearer(token) {
  return { headers: { authorization: `Bearer ${token}` } }
}

// rejects asserts that a call fails with this status and this error name.
export async function rejects(promise, status, error, message) {
  await assert.rejects(promise, (err) => {
    assert.deepEqual({ status: err.status, error: err.error }, { status, error }, err)
    if (message) assert.match(err.message, message)
    return true
  })
}

// listAll returns all records of an account, by their path.
export async function listAll(agent, repo) {
  const records = new Map()
  const { data } = await agent.com.atproto.repo.describeRepo({ repo })
  for (const collection of data.collections) {
    let cursor
    do {
      const page = await agent.com.atproto.repo.listRecords({ repo, collection, cursor, limit: 7 })
      for (const r of page.data.records) {
        assert.ok(!records.has(r.uri), `${r.uri} is listed twice`)
        records.set(r.uri.slice(`at://${repo}/`.length), r)
      }
      cursor = page.data.cursor
    } while (cursor)
  }
  return records
}
