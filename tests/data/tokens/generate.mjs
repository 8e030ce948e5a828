// Writes counts.jsonl: some thousands of texts, and how many tokens an independent encoder makes of each.
// SPDX-License-Identifier: Apache-2.0
//
//   cd tests/data/tokens && npm install --no-package-lock && node generate.mjs
//
// Each line is ["text", tokens in cl100k_base, tokens in o200k_base]. The same seed gives the same file.
import { writeFileSync } from 'node:fs';
import { get_encoding } from 'tiktoken';
import { alphabets, corners, emoji, special, words } from './words.mjs';

let state = 20260101;
// A number below n (mulberry32).
function below(n) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % n;
}
const pick = (list) => list[below(list.length)];
const times = (n, make) => Array.from({ length: n }, make);

function sentence(language) {
  const between = language === 'thai' || language === 'chinese' ? ['', '', '', ' '] : [' ', ' ', ' ', ', '];
  const text = times(3 + below(14), () => pick(words[language]) + pick(between)).join('').trimEnd();
  return text + pick(language === 'chinese' ? ['。', '！', '？\n'] : ['.', '.\n', '!', '?', '...', '']);
}

function paragraph() {
  const language = pick(Object.keys(words));
  const separator = pick([' ', '\n', '\n\n', '\r\n', '  ']);
  return times(1 + below(5), () => sentence(below(8) ? language : pick(Object.keys(words)))).join(separator);
}

function codePoint() {
  const value = below(pick([0x80, 0x250, 0x3000, 0x10000, 0x110000]));
  return value >= 0xd800 && value <= 0xdfff ? ' ' : String.fromCodePoint(value);
}

const mixed = () => pick([() => pick(corners), () => pick(emoji), () => pick(special), () => pick(pick(Object.values(words))),
  () => pick([' ', '\n'])])();

const texts = new Set([
  '', ...corners, ...emoji, ...special, ...Object.values(words).flat(),
  ...corners.flatMap((a) => corners.map((b) => a + b)).filter(() => below(3) === 0),
  ...times(700, paragraph),
  ...times(900, () => times(2 + below(8), () => pick(corners)).join('')),
  ...times(500, () => times(2 + below(10), mixed).join('')),
  ...times(700, () => times(1 + below(12), codePoint).join('')),
  ...times(150, () => { const letters = [...pick(alphabets)]; return times(1 + below(400), () => pick(letters)).join(''); }),
  ...times(60, () => pick(alphabets).repeat(1 + below(300)) + pick(corners)),
  ...times(40, (_, i) => ' '.repeat(i) + pick(corners)),
  ...times(40, (_, i) => '9'.repeat(i + 1)),
]);

const cl100k = get_encoding('cl100k_base');
const o200k = get_encoding('o200k_base');
const lines = [...texts].map((text) =>
  JSON.stringify([text, cl100k.encode_ordinary(text).length, o200k.encode_ordinary(text).length]));
writeFileSync(new URL('counts.jsonl', import.meta.url), lines.join('\n') + '\n');
console.log(`${lines.length} texts`);
