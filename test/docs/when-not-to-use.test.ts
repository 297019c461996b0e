import { readFileSync } from 'node:fs';
import { StreamsTransport } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { expect, it } from 'vitest';
import { readPage } from '../support/doc-pages.js';
import { inAllSlots } from '../support/in-all-slots.js';

const page = readPage('docs/when-not-to-use.md');
const { peerDependencies, engines } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { peerDependencies: Record<string, string>; engines: { node: string } };

it('names the versions of Nest and Node that the package asks for', () => {
  expect(page).toContain(`\`${peerDependencies['@nestjs/microservices']}\``);
  expect(page).toContain(`Node before ${/\d+\.\d+/.exec(engines.node)![0]}`);
});

it('is right that the library has no cron, no priority and no rate limit', () => {
  const source = new StreamsTestKit().source;
  for (const option of ['cron', 'repeat', 'priority', 'limiter'])
    expect(() => new StreamsTransport({ slots: inAllSlots(source), ...{ [option]: 1 } })).toThrow(
      option,
    );
});
