// Uploading a picture, posting it, and fetching it back.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import { BlobRef } from '@atproto/api'
import { signUp } from './pds.mjs'

// png returns a picture of random pixels.
function png(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(data.length)
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8) // 8 bits each of red, green and blue
  const lines = Array.from({ length: height }, () => Buffer.concat([Buffer.alloc(1), randomBytes(3 * width)]))
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(lines))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

test('a picture is uploaded, posted and fetched', async () => {
  const { agent, did } = await signUp('painter')
  const picture = png(64, 48)
  const { data: { blob } } = await agent.uploadBlob(picture, { encoding: 'image/png' })
  assert.ok(blob instanceof BlobRef)
  assert.equal(blob.mimeType, 'image/png')
  assert.equal(blob.size, picture.length)
  assert.equal(blob.ref.code, 0x55)
  assert.deepEqual(Buffer.from(blob.ref.multihash.digest), createHash('sha256').update(picture).digest())

  const cid = blob.ref.toString()
  const blobs = async () => (await agent.com.atproto.sync.listBlobs({ did })).data.cids
  assert.deepEqual(await blobs(), [], 'a blob that no record refers to is listed')
  await agent.post({
    text: 'Look',
    embed: {
      $type: 'app.bsky.embed.images',
      images: [{ image: blob, alt: 'noise', aspectRatio: { width: 64, height: 48 } }],
    },
  })
  await agent.upsertProfile((old) => ({ ...old, avatar: blob }))
  assert.deepEqual(await blobs(), [cid])

  const { data, headers } = await agent.com.atproto.sync.getBlob({ did, cid })
  assert.deepEqual(Buffer.from(data), picture)
  assert.equal(headers['content-type'], 'image/png')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(headers['content-security-policy'], /default-src 'none'/)

  const { data: missing } = await agent.com.atproto.repo.listMissingBlobs()
  assert.deepEqual(missing.blobs, [])
})

test('the bytes decide what type a blob has', async () => {
  const { agent } = await signUp('disguise')
  const { data } = await agent.uploadBlob(png(3, 3), { encoding: 'text/html' })
  assert.equal(data.blob.mimeType, 'image/png')
})

test('blobs that are refused', async () => {
  const { agent, did } = await signUp('blobless')
  const other = await signUp('owner')
  const { data: { blob } } = await other.agent.uploadBlob(png(5, 5), { encoding: 'image/png' })
  const embed = (image) => ({ $type: 'app.bsky.embed.images', images: [{ image, alt: '' }] })

  // The blob is in another account.
  await assert.rejects(agent.post({ text: 'stolen', embed: embed(blob) }), (err) => err.status === 400)
  await assert.rejects(
    agent.com.atproto.sync.getBlob({ did, cid: blob.ref.toString() }),
    (err) => err.status === 400 && ['BlobNotFound', 'InvalidRequest'].includes(err.error),
  )

  // The record is wrong about the blob.
  await assert.rejects(
    other.agent.post({ text: 'disguised', embed: embed(new BlobRef(blob.ref, 'image/jpeg', blob.size)) }),
    (err) => err.status === 400,
  )
})
