/** Draw the PNG icons without any image library: a sun above two waves, in the colours of icon.svg. */
import { writeFileSync } from "node:fs";
import { deflateSync } from "node:zlib";

const SEA = 0;
const WHITE = 1;

function colour(x, y) {
  if ((x - 44) ** 2 + (y - 19) ** 2 <= 36) return WHITE;
  if (x < 11 || x > 53) return SEA;
  const wave = 3 * Math.cos(((x - 12) / 14) * Math.PI);
  return [35, 45].some((middle) => Math.abs(y - middle - wave) <= 2.3) ? WHITE : SEA;
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

function png(size) {
  const rows = [];
  for (let y = 0; y < size; y += 1) {
    const row = Buffer.alloc(1 + size / 8);
    for (let x = 0; x < size; x += 1) {
      const scale = 64 / size;
      if (colour((x + 0.5) * scale, (y + 0.5) * scale) === WHITE) row[1 + (x >> 3)] |= 128 >> (x & 7);
    }
    rows.push(row);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([1, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", head),
    chunk("PLTE", Buffer.from([10, 92, 134, 255, 255, 255])),
    chunk("IDAT", deflateSync(Buffer.concat(rows), { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

for (const size of [192, 512]) writeFileSync(`public/icon-${size}.png`, png(size));
