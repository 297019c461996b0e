import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BEFORE, move, type DeliveryState } from '../../lib/core/delivery-state.js';
import { Delivery } from '../../lib/core/delivery.js';
import type { Lease } from '../../lib/core/lease.js';

const delivery = () => new Delivery({ stream: 's', id: '1-0' } as Lease, 'g', 'c');

/** As `DeadLettered` of the diagram. */
const titled = (state: string): string =>
  state.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());

it('follows the diagram in docs/architecture.md', () => {
  const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const diagram = /stateDiagram-v2\n([^`]*?)```/.exec(page)![1]!;
  const drawn = [...diagram.matchAll(/^ {2}(\w+) --> (\w+)/gm)]
    .map(([, from, to]) => `${from} --> ${to}`)
    .filter((arrow) => arrow !== 'Settling --> Settling');
  const known = Object.entries(BEFORE).flatMap(([to, before]) =>
    before.map((from) => `${titled(from)} --> ${titled(to)}`),
  );
  expect(known.sort()).toEqual(drawn.sort());
});

it('refuses what does not follow, and changes nothing then', () => {
  const one = delivery();
  const steps: [DeliveryState, boolean][] = [
    ['acked', false],
    ['running', true],
    ['running', false],
    ['settling', true],
    ['settling', false],
    ['disowned', false],
    ['acked', true],
    ['lost', false],
    ['buffered', false],
  ];
  for (const [to, follows] of steps) {
    const before = one.state;
    expect([to, move(one, to)]).toEqual([to, follows]);
    expect(one.state).toBe(follows ? to : before);
  }
});

it('begins the next run of an entry as parked', () => {
  expect(delivery().next().state).toBe('parked');
});
