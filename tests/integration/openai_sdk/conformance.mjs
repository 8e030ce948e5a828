// The official client of the API, unchanged, through every call that enrich-sandbox plays.
// SPDX-License-Identifier: Apache-2.0
//
// node conformance.mjs PATH_OF_ENRICH_SANDBOX
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import OpenAI, { toFile } from 'openai';

// Debian 12's Node.js 18 has File, though not among the globals, where the client looks for it.
globalThis.File ??= File;

const key = 'sk-conformance';
const sandbox = spawn(process.argv[2], ['--listen', '127.0.0.1:0', '--batch-seconds', '0.2', '--api-key', key], {
  stdio: ['ignore', 'pipe', 'inherit'],
});

async function baseUrl() {
  for await (const line of createInterface({ input: sandbox.stdout })) {
    const said = line.match(/^listening on (http:\S+)$/);
    if (said) return said[1];
  }
  throw new Error('enrich-sandbox ended before it listened');
}

function requests(count, endpoint, body) {
  const lines = [];
  for (let i = 0; i < count; i++) {
    lines.push(JSON.stringify({ custom_id: `row-${i}`, method: 'POST', url: endpoint, body: body(i) }));
  }
  return lines.join('\n') + '\n';
}

const chat = (i) => ({
  model: 'gpt-4o-mini',
  max_tokens: 100,
  messages: [{ role: 'user', content: `Release ${i} is out. It closes a hole in the parser. Thanks to all.` }],
});
const embedding = (i) => ({ model: 'text-embedding-3-small', input: [`text ${i}`, 'and another'] });

async function ended(client, id) {
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)) return batch;
    assert.ok(['validating', 'in_progress', 'finalizing', 'cancelling'].includes(batch.status), batch.status);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

async function linesOf(client, fileId) {
  const text = await (await client.files.content(fileId)).text();
  return text.trimEnd().split('\n').map((line) => JSON.parse(line));
}

async function files(client) {
  const content = requests(2, '/v1/embeddings', embedding);
  const file = await client.files.create({
    file: await toFile(Buffer.from(content), 'requests.jsonl'),
    purpose: 'batch',
    expires_after: { anchor: 'created_at', seconds: 7200 },
  });
  assert.equal(file.object, 'file');
  assert.equal(file.bytes, content.length);
  assert.equal(file.expires_at, file.created_at + 7200);
  assert.equal((await client.files.retrieve(file.id)).filename, 'requests.jsonl');
  assert.equal(await (await client.files.content(file.id)).text(), content);
  const listed = [];
  for await (const f of client.files.list({ purpose: 'batch', limit: 1 })) listed.push(f.id);
  assert.ok(listed.includes(file.id));
  assert.equal((await client.files.delete(file.id)).deleted, true);
  await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
  const wrongName = { file: await toFile(Buffer.from(content), 'upload'), purpose: 'batch' };
  await assert.rejects(client.files.create(wrongName), OpenAI.BadRequestError);
}

async function batch(client, endpoint, body, count) {
  const content = requests(count, endpoint, body);
  const file = await client.files.create({ file: await toFile(Buffer.from(content), 'b.jsonl'), purpose: 'batch' });
  const made = await client.batches.create({
    input_file_id: file.id,
    endpoint,
    completion_window: '24h',
    metadata: { purpose: 'conformance' },
  });
  assert.equal(made.object, 'batch');
  assert.equal(made.status, 'validating');
  assert.equal(made.metadata.purpose, 'conformance');
  const done = await ended(client, made.id);
  assert.equal(done.status, 'completed');
  assert.deepEqual(done.request_counts, { total: count, completed: count, failed: 0 });
  const lines = await linesOf(client, done.output_file_id);
  assert.equal(lines.length, count);
  const sum = (field) => lines.reduce((total, line) => total + (line.response.body.usage[field] ?? 0), 0);
  assert.equal(done.usage.input_tokens, sum('prompt_tokens'));
  assert.equal(done.usage.output_tokens, sum('completion_tokens'));
  return { done, lines };
}

async function batches(client) {
  const summaries = await batch(client, '/v1/chat/completions', chat, 5);
  assert.match(summaries.lines[0].response.body.choices[0].message.content, /parser/);
  const vectors = await batch(client, '/v1/embeddings', embedding, 5);
  assert.equal(vectors.lines[0].response.body.data[1].embedding.length, 1536);

  const listed = [];
  for await (const b of client.batches.list({ limit: 1 })) listed.push(b.id);
  assert.deepEqual(listed, [vectors.done.id, summaries.done.id]);

  const broken = await client.files.create({ file: await toFile(Buffer.from('{'), 'c.jsonl'), purpose: 'batch' });
  const order = { input_file_id: broken.id, endpoint: '/v1/embeddings', completion_window: '24h' };
  const failed = await ended(client, (await client.batches.create(order)).id);
  assert.equal(failed.status, 'failed');
  assert.equal(failed.errors.data[0].code, 'invalid_json_line');

  const again = await client.batches.create({ ...order, input_file_id: summaries.done.input_file_id });
  assert.equal((await client.batches.cancel(again.id)).status, 'cancelling');
  assert.equal((await ended(client, again.id)).status, 'cancelled');
  await assert.rejects(client.batches.create({ ...order, input_file_id: 'file-none' }), OpenAI.BadRequestError);
  await assert.rejects(client.batches.retrieve('batch_none'), OpenAI.NotFoundError);
}

async function direct(client) {
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  assert.ok(models.includes('text-embedding-3-small'));
  assert.equal((await client.models.retrieve('gpt-4o-mini')).id, 'gpt-4o-mini');

  // The client asks for base64 by itself, and decodes it.
  const packed = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'hello', dimensions: 64 });
  const plain = await client.embeddings.create({
    model: 'text-embedding-3-small',
    input: 'hello',
    dimensions: 64,
    encoding_format: 'float',
  });
  assert.equal(packed.data[0].embedding.length, 64);
  packed.data[0].embedding.forEach((x, i) => assert.equal(Math.fround(x), Math.fround(plain.data[0].embedding[i])));

  const answer = await client.chat.completions.create(chat(1));
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.system_fingerprint, 'enrich-sandbox');
  const tooLong = { ...chat(1), model: 'gpt-6-luna' };
  await assert.rejects(client.chat.completions.create(tooLong), (e) => e.code === 'unsupported_parameter');
}

async function faults(client, url) {
  const rules = [
    { on: 'models', nth: 1, do: 'status', status: 429, retry_after: 0.01 },
    { on: 'models', nth: 2, do: 'status', status: 503, retry_after: 0.01 },
  ];
  const swapped = await fetch(`${url}/sandbox/scenario`, { method: 'POST', body: JSON.stringify({ rules }) });
  assert.equal(swapped.status, 200);
  assert.equal((await client.models.retrieve('gpt-4o-mini')).id, 'gpt-4o-mini'); // its two retries
  const truth = await (await fetch(`${url}/sandbox/truth`)).json();
  assert.equal(truth.batches.length, 4);
}

try {
  const url = await baseUrl();
  const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1` });
  await assert.rejects(new OpenAI({ apiKey: 'sk-wrong', baseURL: `${url}/v1` }).models.list(), OpenAI.AuthenticationError);
  await files(client);
  await batches(client);
  await direct(client);
  await faults(client, url);
  console.log('the official client works with enrich-sandbox');
} finally {
  sandbox.kill('SIGTERM');
}
const [code] = sandbox.exitCode === null ? await once(sandbox, 'exit') : [sandbox.exitCode];
assert.equal(code, 0, 'enrich-sandbox ends cleanly');
