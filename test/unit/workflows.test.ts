import { expect, it } from 'vitest';
import { Workflows } from '../../lib/workflows/workflows.js';
import { endedStep, type StepReport } from '../../lib/workflows/ended-step.js';
import { ManualClock, MemoryBroker } from '../../lib/drivers/memory/index.js';
import { MemoryWorkflowStore } from '../../lib/drivers/memory/memory.workflow-store.js';

function setup() {
  const clock = new ManualClock();
  const store = new MemoryWorkflowStore(new MemoryBroker(clock), '');
  const ttl = 60_000;
  const publish = async () => '1-0';
  const workflows = new Workflows({ store: () => store, publish, idempotent: true, clock, ttl });
  const record = async (
    step: string,
    next?: StepReport['next'],
    more: Partial<StepReport> = {},
  ) => {
    const usual = { event: 'e', stream: 's', id: '1-0', group: 'g', attempts: 1, endedAt: 1 };
    const place = { id: 'w', step, parent: undefined, scopes: [] };
    await store.record([endedStep(place, { ...usual, next, ...more })], ttl);
  };
  return { workflows, record };
}

it('a workflow is completed once all that follows is recorded, in any order', async () => {
  const { workflows, record } = setup();
  const status = async () => (await workflows.get('w'))!.status;
  await record('1', [['2', 'c']]);
  expect(await status()).toBe('running');
  await record('2');
  expect(await status()).toBe('running');
  expect(await workflows.cancel('unknown')).toBe(true);
  await record('0', [['1', 'b']]);
  expect(await workflows.get('w')).toMatchObject({
    status: 'completed',
    endedAt: expect.any(String) as string,
  });
  expect(await workflows.cancel('w')).toBe(false);
  expect(await status()).toBe('completed');
});

it('of a step that is still to come it is not known that it has ended, though others are recorded', async () => {
  const { workflows, record } = setup();
  await record('0', [['1', 'b']]);
  await record('2');
  expect(await workflows.get('w')).toMatchObject({
    status: 'running',
    steps: [{ step: '0' }, { step: '1', status: 'waiting' }, { step: '2' }],
  });
  expect(await workflows.cancel('w')).toBe(true);
});

it('a run of a step counts more than a duplicate of it, in both orders of recording', async () => {
  const { workflows, record } = setup();
  await record('0', [['1', 'b']]);
  await record('0', undefined, { outcome: 'duplicate', attempts: 0 });
  expect(await workflows.get('w')).toMatchObject({
    steps: [{ status: 'completed' }, { step: '1' }],
  });
});
