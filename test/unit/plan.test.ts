import { describe, expect, it } from 'vitest';
import { shareReaders, tablesOf } from '../../lib/consuming/plan/plan.js';
import type { PlannedHandler } from '../../lib/options/handler-definition.js';
import type { HandlerOptions } from '../../lib/options/handler-options.js';
import type { UnmatchedPolicy } from '../../lib/options/streams-options.js';
import { createRouter, type Route } from '../../lib/core/routing.js';
import { ack } from '../../lib/core/settlement.js';

const backoff = { type: 'fixed', delay: 1, maxDelay: 1, jitter: 0 } as const;

function handler(name: string, events: string[], options: HandlerOptions = {}): PlannedHandler {
  const invoke = async () => ack;
  return {
    definition: { name, events, options, invoke },
    group: options.group ?? 'g',
    bound: {
      name,
      invoke,
      backoff,
      maxDeliveries: 5,
      timeout: undefined,
      answers: false,
      chains: false,
      plainInstructions: false,
      maxHold: 1000,
      concurrency: options.concurrency,
      deadLetter: options.deadLetter,
      overlap: true,
      serial: false,
    },
  };
}

function plan(
  handlers: PlannedHandler[],
  routes: Route[] = [],
  unmatched?: UnmatchedPolicy,
  stream?: string,
) {
  const warnings: string[] = [];
  const tables = tablesOf(handlers, {
    routes,
    route: createRouter(routes),
    unmatched,
    stream,
    warn: (code, message) => warnings.push(`${code} ${message}`),
  });
  const plans = shareReaders(tables);
  return { plans, warnings };
}

describe('plan', () => {
  it('reads each event type from a stream of its own, with one consumer for the group', () => {
    const { plans } = plan([handler('A.a', ['x']), handler('A.b', ['y'])]);
    expect(plans).toHaveLength(1);
    expect([...plans[0]!.tables.keys()]).toEqual(['x', 'y']);
    expect(plans[0]!.tables.get('x')!.find('x')!.name).toBe('A.a');
    expect(plans[0]!.tables.get('x')!.find('y')).toBeUndefined();
  });

  it('gives each group a consumer, and a handler with its own concurrency a reader of its own', () => {
    const { plans } = plan([
      handler('A.a', ['x']),
      handler('A.b', ['x'], { group: 'other' }),
      handler('A.c', ['y'], { concurrency: 2 }),
      handler('A.d', ['z']),
    ]);
    expect(plans.map((p) => [p.group, [...p.tables.keys()], p.concurrency])).toEqual([
      ['g', ['x', 'z'], undefined],
      ['other', ['x'], undefined],
      ['g', ['y'], 2],
    ]);
  });

  it('refuses two handlers of one group for the same events, naming both', () => {
    const both = [
      handler('A.a', ['issues.*'], { streams: ['s'] }),
      handler('B.b', ['issues.opened'], { streams: ['s'] }),
    ];
    expect(() => plan(both)).toThrow(
      expect.objectContaining({
        code: 'HANDLER_CONFLICT',
        message: expect.stringMatching(/A\.a and B\.b/),
      }),
    );
  });

  it('refuses a wildcard that names no stream', () => {
    expect(() => plan([handler('A.a', ['issues.*'])])).toThrow(
      expect.objectContaining({ code: 'WILDCARD_WITHOUT_STREAM' }),
    );
  });

  it('takes the stream of a wildcard from the routes that overlap it', () => {
    const routes = [
      { events: 'issues.*', stream: 'github' },
      { events: 'push', stream: 'code' },
    ];
    const { plans } = plan([handler('A.a', ['*'])], routes);
    expect([...plans[0]!.tables.keys()]).toEqual(['github', 'code']);
  });

  it('filters on named and routed streams, dead-letters on streams that come from the event', () => {
    const routes = [{ events: 'r.*', stream: 'routed' }];
    const handlers = [
      handler('A.a', ['x'], { streams: ['named'] }),
      handler('A.b', ['r.one']),
      handler('A.c', ['own']),
    ];
    const policies = (unmatched?: UnmatchedPolicy) =>
      [...plan(handlers, routes, unmatched).plans[0]!.tables.values()].map(
        (table) => table.unmatched,
      );
    expect(policies()).toEqual(['ack', 'ack', 'dead-letter']);
    expect(policies('leave')).toEqual(['leave', 'leave', 'leave']);
  });

  it('warns where a handler reads another stream than producers publish to', () => {
    const routes = [{ events: 'a.*', stream: 'as' }];
    expect(plan([handler('A.a', ['a.x'], { streams: ['other'] })], routes).warnings[0]).toMatch(
      /^STREAM_ROUTE_MISMATCH A\.a takes "a\.x" from other, .* to as/,
    );
    expect(plan([handler('A.a', ['x'], { streams: ['s'] })]).warnings).toHaveLength(1);
    expect(plan([handler('A.a', ['a.x'], { streams: ['as'] })], routes).warnings).toHaveLength(0);
    expect(plan([handler('A.a', ['x'], { streams: ['x'] })]).warnings).toHaveLength(0);
  });

  it('warns once of all handlers that read the stream of the transport', () => {
    const names = ['A.a', 'A.b', 'A.c', 'A.d', 'A.e', 'A.f', 'A.g'];
    const handlers = names.map((name) => handler(name, [name], { streams: ['topic'] }));
    const other = handler('B.a', ['x'], { streams: ['other'] });
    const { warnings } = plan([...handlers, other], [], undefined, 'topic');
    expect(warnings).toEqual([
      expect.stringMatching(/^STREAM_ROUTE_MISMATCH B\.a takes "x" from other, .*Add a route/),
      expect.stringMatching(
        /^STREAM_ROUTE_MISMATCH By the option stream .* from topic: A\.a, A\.b, A\.c, A\.d, A\.e and 2 more\. .* name the stream when you publish/,
      ),
    ]);
    const routes = [{ events: '*', stream: 'topic' }];
    expect(plan(handlers, routes, undefined, 'topic').warnings).toEqual([]);
  });

  it('does not warn of a handler of what is forwarded', () => {
    const forwarding = handler('A.a', ['x'], { deadLetter: { forward: 'unclear' } });
    const looking = handler('A.b', ['x'], { streams: ['unclear'] });
    expect(plan([forwarding, looking]).warnings).toEqual([]);
    expect(plan([looking]).warnings).toHaveLength(1);
    const both = handler('A.b', ['x'], { streams: ['unclear', 'other'] });
    expect(plan([forwarding, both]).warnings).toHaveLength(1);
  });
});
