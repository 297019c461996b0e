import { SpanKind } from '@opentelemetry/api';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testRedis, type TestRedis } from '../support/redis.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A span, as the application writes it. */
interface Span {
  readonly name: string;
  readonly kind: SpanKind;
  readonly trace: string;
  readonly id: string;
  readonly parent?: string;
}

let server: TestRedis;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

/** Runs the application of test/e2e/support/traced in a process of its own. */
async function spansOf(flags: readonly string[], prefix: string): Promise<readonly Span[]> {
  const main = 'test/e2e/support/traced/main.js';
  const args = [...flags, '--import', './test/e2e/support/traced/telemetry.js', main];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...args, server.url, server.prefix + prefix],
    { cwd: root },
  );
  return JSON.parse(stdout) as Span[];
}

const HOOK = '--experimental-loader=@opentelemetry/instrumentation/hook.mjs';

it(
  'is one trace from the HTTP request to the last step, by the ESM hook',
  { timeout: 60_000 },
  async () => {
    const spans = await spansOf(['--no-warnings', HOOK], 'hook:');
    const http = spans.find(({ kind }) => kind === SpanKind.SERVER);
    expect(http?.name, 'the span of the HTTP request').toMatch(/^POST/);
    const named = (name: string): Span => spans.find((span) => span.name === name)!;
    const way = ['send order', 'process order', 'process ship', 'ack ship'].map(named);
    expect(way.map(({ parent }) => parent)).toEqual([
      http!.id,
      ...way.slice(0, -1).map(({ id }) => id),
    ]);
    expect(new Set([http!, ...way].map(({ trace }) => trace)).size).toBe(1);
  },
);
