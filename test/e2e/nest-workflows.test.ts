import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import {
  DeadLetters,
  DelayedMessages,
  fanOut,
  next,
  rawCodec,
  StreamContext,
  StreamHandler,
  UnrecoverableError,
  type JoinedResults,
  type WorkflowFailure,
} from 'nestjs-redis-streams';
import { of } from 'rxjs';
import { expect, test } from 'vitest';
import {
  StreamsTestKit,
  type MemoryBroker,
  type MemoryTransaction,
} from 'nestjs-redis-streams/memory';
import type { MessageSource, Settling } from '../../lib/ports/source.js';
import type { WorkflowStore } from '../../lib/ports/workflow-store.js';
import { driverWith } from '../support/driver-with.js';
import { gate } from '../support/engine.js';
import { OnEvent } from '../support/nest-app.js';
import { flow } from '../support/workflow-app.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

test('what a handler returns is the next step, and knows where it comes from', async () => {
  const { publish, ran, state } = await flow({
    first: ({ n }: { n: number }) => next('second', { n: n + 1 }),
    second: ({ n }: { n: number }) => next('third', { n: n + 1 }),
    third: () => ({ done: true }),
  });
  const id = await publish('first', { n: 1 }, { metadata: { traceparent: '00-a', own: 'x' } });
  expect(ran.map(({ event, payload }) => [event, payload])).toEqual([
    ['first', { n: 1 }],
    ['second', { n: 2 }],
    ['third', { n: 3 }],
  ]);
  const [first, second, third] = ran.map(({ context }) => context);
  expect(first!.workflow).toEqual({
    id: `first/${id}/test`,
    step: '0',
    depth: 0,
    parentId: undefined,
  });
  expect(second!.workflow).toMatchObject({ id: first!.workflow.id, step: '1', parentId: id });
  expect(third!.workflow).toMatchObject({ depth: 2, step: '2', parentId: second!.id });
  expect(third!.metadata).toEqual({
    traceparent: '00-a',
    workflow: `${first!.workflow.id} 2 ${second!.id}`,
  });
  const found = await state();
  expect(found).toMatchObject({ status: 'completed', id: first!.workflow.id });
  expect(found.steps).toMatchObject([
    { step: '0', event: 'first', status: 'completed', attempts: 1, id },
    { step: '1', event: 'second', parentId: id },
    { step: '2', event: 'third', result: { done: true } },
  ]);
});

test.each([
  ['nothing', undefined],
  ['a text', 'next'],
  ['an object that has more', { next: 'second', payload: 1, extra: true }],
  ['an object whose next is no text', { next: { url: '/page/2' } }],
  ['an empty list', []],
  ['a list with something else in it', [next('second'), 1]],
])('%s is no step', async (_, result) => {
  const { publish, events, state } = await flow({ first: () => result, second: () => undefined });
  await publish('first', {});
  expect(events()).toEqual(['first']);
  expect(await state()).toBeUndefined();
});

test('a promise, an Observable and its last value are results alike', async () => {
  const { publish, events } = await flow({
    first: () => of('something before', next('second')),
    second: () => undefined,
  });
  await publish('first', {});
  expect(events()).toEqual(['first', 'second']);
});

test('results of @EventPattern and @MessagePattern do not chain, and do not end a branch', async () => {
  const looked: string[] = [];
  @Controller()
  class Others {
    @OnEvent('first', { group: 'watching' })
    event(@Ctx() context: StreamContext): unknown {
      looked.push(context.getPattern());
      return next('second');
    }
    @OnEvent('part', { group: 'watching', maxDeliveries: 1 })
    part(): never {
      looked.push('part');
      throw new UnrecoverableError();
    }
    @MessagePattern('asked')
    asked(): unknown {
      return next('second');
    }
  }
  const { publish, events, payloadOf, kit } = await flow(
    {
      first: () => fanOut([next('part', 1), next('part', 2)], { join: 'joined' }),
      part: (n: number) => n * 10,
      joined: () => undefined,
      second: () => undefined,
    },
    { controllers: [Others] },
  );
  await publish('asked', {});
  await publish('first', {});
  expect(looked.sort()).toEqual(['first', 'part', 'part']);
  expect(events()).toEqual(['first', 'part', 'part', 'joined']);
  expect(payloadOf('joined')).toEqual({ results: [10, 20] });
  expect(await kit.deadLetters()).toHaveLength(2);
});

test('a step that cannot be published fails the run', async () => {
  const { publish, deadLetter, events } = await flow({
    first: () => next('second', 1n),
  });
  await publish('first', {});
  expect(events()).toEqual(['first']);
  const { error, reason } = await deadLetter();
  expect(reason).toBe('unrecoverable');
  expect(error).toMatchObject({ name: 'InvalidMessageError' });
});

test('a codec without metadata cannot chain, and says so', async () => {
  const { publish, deadLetter } = await flow(
    { first: () => next('second', { a: 'b' }) },
    { options: { codec: rawCodec } },
  );
  await publish('first', { a: 'b' });
  expect((await deadLetter()).error).toMatchObject({
    name: 'UnsupportedFeatureError',
    message: expect.stringContaining('codec "raw"') as string,
  });
});

test('a delayed step waits for its time, and the workflow with it', async () => {
  const { publish, kit, events, state, app } = await flow(
    {
      first: () => next({ stream: 'mails', event: 'second' }, {}, { delay: 5000 }),
      second: () => undefined,
    },
    { controllers: [mails] },
  );
  await publish('first', {});
  expect(events()).toEqual(['first']);
  expect(await state()).toMatchObject({
    status: 'running',
    steps: [{ event: 'first' }, { event: 'second', step: '1', status: 'waiting' }],
  });
  expect((await app.get(DelayedMessages).list('mails')).items).toHaveLength(1);
  await kit.advance(5000);
  await kit.idle();
  expect(await state()).toMatchObject({ status: 'completed' });
});

@Controller()
class mails {
  @StreamHandler('second', { stream: 'mails' })
  mail(): void {}
}

test('a join has the results of all branches in their order, once', async () => {
  const { publish, ran, payloadOf, state } = await flow({
    first: () =>
      fanOut(
        [3, 1, 2].map((n) => next('part', n)),
        { join: 'joined' },
      ),
    part: (n: number) => (n === 1 ? next('more', n) : { n }),
    more: (n: number) => ({ more: n }),
    joined: () => next('after'),
    after: () => 'all done',
  });
  await publish('first', {});
  expect(payloadOf('joined')).toEqual({ results: [{ n: 3 }, { more: 1 }, { n: 2 }] });
  const places = ran.map(({ event, context }) => `${event} ${context.workflow.step}`);
  expect(places.sort()).toEqual([
    'after 2',
    'first 0',
    'joined 1',
    'more 0.1.2',
    'part 0.0.1',
    'part 0.1.1',
    'part 0.2.1',
  ]);
  const found = await state();
  expect(found.status).toBe('completed');
  expect(found.steps.map(({ step }) => step)).toEqual([
    '0',
    '0.0.1',
    '0.1.1',
    '0.2.1',
    '1',
    '0.1.2',
    '2',
  ]);
});

test('a branch that deduplicates is completed with its join', async () => {
  let parts = 0;
  @Controller()
  class Parts {
    @StreamHandler<{ key: string }>('part', { dedupe: { key: ({ payload }) => payload.key } })
    part() {
      return ++parts;
    }
  }
  const { publish, events, payloadOf, kit } = await flow(
    {
      first: () => fanOut([next('part', { key: 'a' })], { join: 'joined' }),
      joined: () => undefined,
    },
    { controllers: [Parts] },
  );
  await publish('first', {});
  await kit.idle();
  expect(payloadOf<JoinedResults>('joined')).toEqual({ results: [1] });
  await publish('part', { key: 'a' });
  await kit.idle();
  expect(parts).toBe(1);
  expect(events()).toEqual(['first', 'joined']);
  expect(kit.settled.at(-1)!.outcome).toBe('duplicate');
});

test('a step of a cancelled workflow completes no key: the next workflow runs it', async () => {
  const parts: string[] = [];
  @Controller()
  class Parts {
    @StreamHandler<{ key: string }>('part', { dedupe: { key: ({ payload }) => payload.key } })
    part(_: unknown, @Ctx() { workflow }: StreamContext) {
      parts.push(workflow.id);
    }
  }
  const { kit, workflows } = await flow(
    { first: () => next('part', { key: 'a' }, { delay: 100 }) },
    { controllers: [Parts] },
  );
  await workflows.start('first', {}, { id: 'one' });
  await kit.idle();
  await workflows.cancel('one');
  await kit.advance(100);
  await workflows.start('first', {}, { id: 'two' });
  await kit.idle();
  await kit.advance(100);
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual([
    'handled',
    'cancelled',
    'handled',
    'handled',
  ]);
  expect(parts).toEqual(['two']);
});

test('joins within branches are joined from the inside out', async () => {
  const { publish, payloadOf, state } = await flow({
    first: () => fanOut([next('inner', 'a'), next('inner', 'b')], { join: 'outer.joined' }),
    inner: (name: string) =>
      fanOut([next('leaf', `${name}1`), next('leaf', `${name}2`)], { join: 'inner.joined' }),
    leaf: (name: string) => name,
    'inner.joined': ({ results }: JoinedResults<string>) => results.join('+'),
    'outer.joined': () => undefined,
  });
  await publish('first', {});
  expect(payloadOf('outer.joined')).toEqual({ results: ['a1+a2', 'b1+b2'] });
  expect(await state()).toMatchObject({ status: 'completed' });
});

test('a result too large to be joined, or without JSON, fails its run', async () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const { publish, kit } = await flow({
    first: () => fanOut([next('part', 'large'), next('part', 'circular')], { join: 'joined' }),
    part: (what: string) => (what === 'large' ? 'x'.repeat(600_000) : circular),
    joined: () => undefined,
  });
  await publish('first', {});
  const names = (await kit.deadLetters()).map(({ error }) => error!.name);
  expect(names.sort()).toEqual(['InvalidMessageError', 'PayloadTooLargeError']);
});

test('a step that fails for good has its nearest hook run, once', async () => {
  const { publish, payloadOf, events, state } = await flow({
    first: () => next('second', { order: 7 }, { onFailure: 'undo' }),
    second: ({ order }: { order: number }) => next('third', { order }),
    third: () => {
      throw new UnrecoverableError('no stock');
    },
    undo: () => undefined,
  });
  await publish('first', {});
  expect(events()).toEqual(['first', 'second', 'third', 'undo']);
  expect(payloadOf<WorkflowFailure>('undo')).toMatchObject({
    step: '2',
    event: 'third',
    reason: 'unrecoverable',
    error: { name: 'UnrecoverableError', message: 'no stock' },
    payload: { order: 7 },
  });
  const { status, endedAt, steps } = await state();
  expect([status, endedAt === undefined]).toEqual(['failed', false]);
  expect(steps.map(({ event, status: one }) => `${event} ${one}`)).toEqual([
    'first completed',
    'second completed',
    'third failed',
    'undo completed',
  ]);
});

test('a branch that fails: its own hook, and when all have ended the hook of the fan-out', async () => {
  const { publish, events, payloadOf, state } = await flow({
    first: () =>
      fanOut(
        [1, 2, 3].map((n) => next('part', n, { onFailure: 'part.undo' })),
        { join: 'joined', onFailure: 'undo' },
      ),
    part: (n: number) => {
      if (n === 2) throw new UnrecoverableError('broken');
      return n;
    },
    'part.undo': () => undefined,
    joined: () => undefined,
    undo: () => undefined,
  });
  await publish('first', {});
  expect(events().sort()).toEqual(['first', 'part', 'part', 'part', 'part.undo', 'undo']);
  expect(payloadOf<WorkflowFailure>('part.undo')).toMatchObject({ event: 'part', payload: 2 });
  expect(payloadOf<WorkflowFailure>('undo')).toMatchObject({
    reason: 'branches-failed',
    results: [1, null, 3],
    failures: [{ index: 1, reason: 'unrecoverable', error: { message: 'broken' }, payload: 2 }],
  });
  expect(await state()).toMatchObject({ status: 'failed' });
});

test('a partial join runs with what failed among what it is given', async () => {
  const { publish, payloadOf, state } = await flow({
    first: () => fanOut([next('part', 1), next('part', 2)], { join: 'joined', partial: true }),
    part: (n: number) => {
      if (n === 1) throw new UnrecoverableError('broken');
      return n;
    },
    joined: () => undefined,
  });
  await publish('first', {});
  expect(payloadOf<JoinedResults>('joined')).toMatchObject({
    results: [null, 2],
    failures: [{ index: 0, reason: 'unrecoverable' }],
  });
  expect(await state()).toMatchObject({ status: 'completed' });
});

test('a cancelled workflow ends: later steps are acknowledged without a run, and counted', async () => {
  const { publish, events, workflows, ran, kit, state } = await flow({
    first: () => [next('second'), next('second', {}, { delay: 1000 })],
    second: () => next('third'),
    third: () => undefined,
  });
  await publish('first', {});
  expect(events()).toEqual(['first', 'second', 'third']);
  const { id } = ran[0]!.context.workflow;
  expect(await workflows.cancel(id)).toBe(true);
  await kit.advance(1000);
  await kit.idle();
  expect(events()).toEqual(['first', 'second', 'third']);
  expect(kit.settled.at(-1)).toMatchObject({ eventType: 'second', outcome: 'cancelled' });
  expect(await kit.deadLetters()).toEqual([]);
  expect(await state()).toMatchObject({ status: 'cancelled' });
  expect((await state()).steps.map(({ status }) => status)).toContain('cancelled');
});

test('a workflow is started by hand under a name of its own, once', async () => {
  const { workflows, ran, kit } = await flow({ first: () => next('second'), second: () => 'end' });
  const id = await workflows.start('first', { n: 1 }, { id: 'order-7' });
  expect(await workflows.start('first', { n: 1 }, { id: 'order-7' })).toBe(id);
  expect(await workflows.get(id)).toMatchObject({ status: 'running', steps: [] });
  await kit.idle();
  expect(ran.map(({ context }) => context.workflow.id)).toEqual(['order-7', 'order-7']);
  expect(await workflows.get(id)).toMatchObject({ status: 'completed' });
  expect(await workflows.cancel(id)).toBe(false);
  await expect(workflows.start('first', {}, { id: 'no blanks' })).rejects.toMatchObject({
    code: 'INVALID_MESSAGE',
  });
});

test('a hook that is declared at the start counts for every step, the first one too', async () => {
  const { workflows, kit, payloadOf } = await flow({
    first: () => {
      throw new UnrecoverableError('at once');
    },
    undo: () => undefined,
  });
  await workflows.start('first', { n: 1 }, { onFailure: 'undo' });
  await kit.idle();
  expect(payloadOf<WorkflowFailure>('undo')).toMatchObject({ step: '0', payload: { n: 1 } });
});

test('a step that is redriven before the other branches have ended counts as if it had not failed', async () => {
  let mended = false;
  const { publish, events, kit, state, app } = await flow({
    first: () => fanOut([next('part', 1), next('part', 2)], { join: 'joined' }),
    part: (n: number) => {
      if (n === 2 && !mended) throw new UnrecoverableError('broken');
      return n === 1 ? next('slow', n, { delay: 1000 }) : n;
    },
    slow: (n: number) => n,
    joined: () => undefined,
  });
  await publish('first', {});
  expect(await state()).toMatchObject({ status: 'failed' });
  mended = true;
  expect(await app.get(DeadLetters).redrive('part', { all: true })).toBe(1);
  await kit.idle();
  await kit.advance(1000);
  await kit.idle();
  expect(events().at(-1)).toBe('joined');
  expect(await state()).toMatchObject({ status: 'completed' });
});

test('metadata of that name that is not ours does no harm', async () => {
  const { publish, ran, kit } = await flow({ first: () => next('second'), second: () => 1 });
  for (const workflow of ['mine', 'a b c', 'a 1 - x:y', 'a 0 - j:0:5:2:e', 'a 0 - f:%E0%A4%A']) {
    await publish('first', {}, { metadata: { workflow } });
  }
  expect(ran.filter(({ event }) => event === 'second')).toHaveLength(5);
  expect(new Set(ran.map(({ context }) => context.workflow.id)).size).toBe(5);
  expect(await kit.deadLetters()).toEqual([]);
});

test('a branch that is a duplicate of another one ends without a result, and is joined', async () => {
  const charged: string[] = [];
  @Controller()
  class Charging {
    @StreamHandler<string>('charge', { dedupe: { key: ({ payload }) => payload } })
    charge(@Payload() order: string) {
      charged.push(order);
      return next('receipt', order);
    }
  }
  const { publish, events, payloadOf, state, kit } = await flow(
    {
      first: () =>
        fanOut([next('charge', 'a'), next('charge', 'b'), next('charge', 'a')], {
          join: 'joined',
        }),
      receipt: (order: string) => `paid ${order}`,
      joined: () => undefined,
    },
    { controllers: [Charging] },
  );
  await publish('first', {});
  await kit.advance(3000);
  await kit.idle();
  expect(charged).toEqual(['a', 'b']);
  expect(events().filter((event) => event === 'joined')).toHaveLength(1);
  expect(payloadOf('joined')).toEqual({ results: ['paid a', 'paid b', null] });
  const { status, steps } = await state();
  expect(status).toBe('completed');
  expect(steps.filter(({ event }) => event === 'charge').map((step) => step.status)).toEqual([
    'completed',
    'completed',
    'duplicate',
  ]);
});

test('a duplicate that had to wait for the other one arrives as well', async () => {
  const running = gate();
  @Controller()
  class Charging {
    @StreamHandler('charge', { dedupe: { key: () => 'same' } })
    async charge() {
      await running.promise;
      return 'charged';
    }
  }
  const { kit, payloadOf } = await flow(
    {
      first: () => fanOut([next('charge', 'a'), next('charge', 'b')], { join: 'joined' }),
      joined: () => undefined,
    },
    { controllers: [Charging] },
  );
  await kit.publish('first', {});
  await kit.advance(3000);
  expect(kit.settled.map(({ outcome }) => outcome)).toContain('postponed');
  running.open();
  await kit.advance(3000);
  await kit.idle();
  const { results } = payloadOf<JoinedResults>('joined');
  expect(new Set(results)).toEqual(new Set(['charged', null]));
});

test('what a failure declares is published after each redrive that fails', async () => {
  const { publish, events, app, kit } = await flow({
    first: () => next('second', {}, { onFailure: 'undo' }),
    second: () => {
      throw new UnrecoverableError('broken');
    },
    undo: () => undefined,
  });
  await publish('first', {});
  for (const times of [1, 2, 3]) {
    expect(events().filter((event) => event === 'undo')).toHaveLength(times);
    await app.get(DeadLetters).redrive('second', { all: true });
    await kit.idle();
  }
});

test('a redriven step is what it came to last', async () => {
  const { publish, app, kit, state, workflows, ran } = await flow({
    first: () => [next('second'), next('later', {}, { delay: 60_000 })],
    second: () => {
      throw new UnrecoverableError('broken');
    },
    later: () => undefined,
  });
  await publish('first', {});
  const again = async () => {
    await app.get(DeadLetters).redrive('second', { all: true });
    await kit.idle();
  };
  const second = async () => (await state()).steps.find(({ event }) => event === 'second')!;
  expect((await second()).status).toBe('failed');
  await again();
  expect((await second()).status).toBe('failed');
  await workflows.cancel(ran[0]!.context.workflow.id);
  await again();
  expect(await second()).toMatchObject({ status: 'cancelled' });
});

test('a branch that was last, and died before it was settled, comes to what its next run comes to', async () => {
  const kit = new StreamsTestKit();
  let last: unknown;
  const source = driverWith(kit.source, ({ source: real }) => {
    /** The process dies with the settlement that brings the join along. */
    const settle: MessageSource['settle'] = async (batch) => {
      const joins = ({ lease, settlement }: Settling) =>
        lease.stream === 'part' && settlement.kind === 'ack' && settlement.publish !== undefined;
      if (last !== undefined || !batch.some(joins)) return real.settle(batch);
      last = batch.find(joins)!.lease.id;
      return batch.map(() => 'lost');
    };
    const source = new Proxy(real, {
      get: (target, name) => (name === 'settle' ? settle : Reflect.get(target, name, target)),
    });
    return { source };
  });
  const { events, payloadOf } = await flow(
    {
      first: () =>
        fanOut([next('part', 1), next('part', 2, { delay: 100 })], {
          join: 'joined',
          onFailure: 'undo',
        }),
      part: (n: number) => n,
      joined: () => undefined,
      undo: () => undefined,
    },
    { kit, options: { slots: inAllSlots(source) } },
  );
  await kit.publish('first', {});
  await kit.idle();
  await kit.advance(100);
  await until('the last branch has arrived', () => last !== undefined);
  for (let turn = 0; turn < 10; turn++) await kit.advance(10_000);
  expect(await kit.deadLetters()).toMatchObject([{ reason: 'crashed' }]);
  expect(events()).toEqual(['first', 'part', 'part', 'undo']);
  expect(payloadOf<WorkflowFailure>('undo')).toMatchObject({
    results: [1, null],
    failures: [{ index: 1, reason: 'crashed' }],
  });
});

test('a branch that others have buried does not arrive after all', async () => {
  const kit = new StreamsTestKit();
  const stuck = gate();
  const steps = {
    first: () =>
      fanOut([next('part', 1), next('part', 2, { delay: 600_000 })], {
        join: 'joined',
        onFailure: 'undo',
      }),
    part: (n: number) => (n === 1 ? stuck.promise : n),
    joined: () => undefined,
    undo: () => undefined,
  };
  const one = await flow(steps, { kit, options: { maxHold: 1000, consumer: 'one' } });
  await kit.publish('first', {});
  await kit.advance(0);
  expect(one.events()).toEqual(['first', 'part']);
  const other = await flow(steps, { kit, options: { consumer: 'other' } });
  for (let turn = 0; turn < 10; turn++) await kit.advance(10_000);
  expect(await kit.deadLetters()).toMatchObject([{ reason: 'crashed' }]);
  stuck.open();
  await kit.advance(0);
  expect(kit.settled.at(-1)).toMatchObject({ eventType: 'part', outcome: 'lost' });
  await kit.advance(600_000);
  await kit.idle();
  const ran = [...one.ran, ...other.ran];
  expect(ran.map(({ event }) => event).sort()).toEqual(['first', 'part', 'part', 'undo']);
  expect(ran.find(({ event }) => event === 'undo')!.payload).toMatchObject({
    results: [null, 2],
    failures: [{ index: 0, reason: 'crashed' }],
  });
});

test('a branch whose message was deleted while it ran arrives', async () => {
  const stuck = gate();
  const { kit, transport, ran, payloadOf } = await flow({
    first: () => fanOut([next('part', 1), next('part', 2)], { join: 'joined' }),
    part: (n: number) => (n === 1 ? stuck.promise.then(() => n) : n),
    joined: () => undefined,
  });
  await kit.publish('first', {});
  await kit.advance(0);
  const { id } = ran.find(({ payload }) => payload === 1)!.context;
  expect((transport.unwrap() as MemoryBroker).deleteEntry('part', id)).toBe(true);
  await kit.advance(30_000);
  stuck.open();
  await kit.idle();
  expect(payloadOf('joined')).toEqual({ results: [1, 2] });
});

test('what could not be recorded before is recorded when the application closes', async () => {
  const kit = new StreamsTestKit();
  let away = true;
  let store: WorkflowStore;
  const source = driverWith(kit.source, ({ workflows }) => {
    store = workflows!;
    const record: WorkflowStore['record'] = async (steps, ttl) =>
      away ? steps.map(() => new Error('away')) : store.record(steps, ttl);
    return {
      workflows: new Proxy(store, {
        get: (target, name) => (name === 'record' ? record : Reflect.get(target, name, target)),
      }),
    };
  });
  const { publish, app } = await flow(
    { first: () => next('second'), second: () => 'done' },
    {
      kit,
      options: { slots: inAllSlots(source) },
    },
  );
  const id = await publish('first', {});
  expect(await store!.read(`first/${id}/test`)).toBeUndefined();
  away = false;
  await app.close();
  expect([...(await store!.read(`first/${id}/test`))!.steps.keys()]).toEqual(['0', '1']);
});

test('what is known of a workflow outlasts its delays', async () => {
  const { publish, kit, payloadOf, state, events, workflows } = await flow(
    {
      first: () =>
        fanOut([next('part', 1), next('part', 2, { delay: 60_000 })], { join: 'joined' }),
      part: (n: number) => n,
      joined: () => next('late', {}, { deliverAt: kit.clock.wallTime() + 60_000 }),
      late: () => undefined,
    },
    { options: { workflowTtl: 1000 } },
  );
  await publish('first', {});
  await kit.advance(60_000);
  await kit.idle();
  expect(payloadOf('joined')).toEqual({ results: [1, 2] });
  const { id } = await state();
  expect(await workflows.cancel(id)).toBe(true);
  await kit.advance(60_000);
  await kit.idle();
  expect(events()).not.toContain('late');

  await workflows.start('first', {}, { id: 'later', delay: 60_000 });
  await workflows.cancel('later');
  await kit.advance(60_500);
  await kit.idle();
  expect(kit.settled.at(-1)).toMatchObject({ eventType: 'first', outcome: 'cancelled' });
});

test('a last step that an inbox knows has ended, too', async () => {
  const written: string[] = [];
  @Controller()
  class Writing {
    @StreamHandler<string>('write', { inbox: { key: ({ payload }) => payload } })
    write(@Payload() order: string, @Ctx() context: StreamContext) {
      context.transaction<MemoryTransaction>().write(() => written.push(order));
    }
  }
  const { kit, workflows } = await flow(
    { first: (order: string) => next('write', order) },
    { controllers: [Writing] },
  );
  for (const id of ['one', 'two']) {
    await workflows.start('first', 'a', { id });
    await kit.idle();
  }
  expect(written).toEqual(['a']);
  expect(await workflows.get('two')).toMatchObject({
    status: 'completed',
    steps: [{ status: 'completed' }, { event: 'write', status: 'duplicate' }],
  });
});

test('a step as the plain object with its delay is published after it', async () => {
  const { publish, events, kit } = await flow(
    {
      first: () => ({ next: 'second', payload: { from: 'first' }, delay: 5000 }),
      second: () => undefined,
    },
    { options: { plainInstructions: true } },
  );
  await publish('first', {});
  await kit.advance(4999);
  expect(events()).toEqual(['first']);
  await kit.advance(1);
  await kit.idle();
  expect(events()).toEqual(['first', 'second']);
});
