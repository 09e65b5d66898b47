// Follows the stream of events from its beginning as a strict consumer does, with @atproto/sync's Firehose: every commit's
// signature, every proof and every handle is checked. It prints a line of JSON for each event and each error, and ends
// with the #identity event of the handle that INTEROP_END names.
import { IdResolver, MemoryCache } from '@atproto/identity'
import { Firehose } from '@atproto/sync'

const pdsURL = process.env.INTEROP_PDS_URL
const plcURL = process.env.INTEROP_PLC_URL
const end = process.env.INTEROP_END

const print = (line) => process.stdout.write(JSON.stringify(line) + '\n')

// A handle under .test is nobody's domain: what its https://HANDLE/ says is asked of the server.
const fetchOf = (input, init) => {
  const url = new URL(input)
  if (!url.hostname.endsWith('.test')) return fetch(input, init)
  return fetch(`${pdsURL}/xrpc/com.atproto.identity.resolveHandle?handle=${url.hostname}`, init).then(
    async (res) => new Response((await res.json()).did),
  )
}
const idResolver = new IdResolver({ plcUrl: plcURL, didCache: new MemoryCache(), fetch: fetchOf })
idResolver.handle.resolveDns = async () => undefined

let last = 0
const firehose = new Firehose({
  idResolver,
  service: pdsURL.replace(/^http/, 'ws'),
  unauthenticatedCommits: false,
  unauthenticatedHandles: false,
  getCursor: () => last,
  handleEvent: (e) => {
    last = e.seq
    const { event, seq, did, rev, handle, active, status } = e
    const path = e.uri && `${e.collection}/${e.rkey}`
    print({ event, seq, did, rev, path, handle, active, status, commit: e.commit?.toString(), cid: e.cid?.toString() })
    if (event === 'identity' && handle === end) process.exit(0)
  },
  onError: (err) => print({ event: 'error', seq: last, error: `${err}: ${err.cause}` }),
})
await firehose.start()
