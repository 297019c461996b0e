import { join } from '../../core/collections/grouped.js';
import { WildcardWithoutStreamError } from '../../core/errors/start-up.errors.js';
import type { HandlerDefinition, PlannedHandler } from '../../options/handler-definition.js';
import type { UnmatchedPolicy } from '../../options/streams-options.js';
import {
  isWildcard,
  patternsOverlap,
  routeEvents,
  type Route,
  type Router,
} from '../../core/routing.js';
import { HandlerTable } from './handler-table.js';
import { RouteMismatches, type Warn } from './route-mismatch.js';

export interface PlanOptions {
  readonly route: Router;
  readonly routes: readonly Route[];
  readonly unmatched: UnmatchedPolicy | undefined;
  /** The stream of handlers that name none. */
  readonly stream?: string | undefined;
  readonly warn: Warn;
}

/** What one consumer reads with one reader, and the handlers of its streams. */
export interface ConsumerPlan {
  readonly group: string;
  readonly tables: ReadonlyMap<string, HandlerTable>;
  /** Undefined: only the transport limits it. */
  readonly concurrency: number | undefined;
  /** The plan has one stream, whose messages are handled in the order of their keys. */
  readonly ordered: boolean;
}

/**
 * Sorts handlers by what they read: one table per stream and group.
 * @throws HandlerConflictError, OrderConflictError, WildcardWithoutStreamError
 */
export function tablesOf(
  handlers: readonly PlannedHandler[],
  options: PlanOptions,
): HandlerTable[] {
  const tables = new Map<string, HandlerTable>();
  const mismatches = new RouteMismatches(handlers, options.stream, options.warn);
  for (const handler of handlers) {
    for (const { stream, pattern, named } of sourcesOf(handler.definition, options, mismatches)) {
      const key = JSON.stringify([handler.group, stream]);
      let table = tables.get(key);
      if (!table)
        tables.set(key, (table = new HandlerTable(stream, handler.group, options.unmatched)));
      table.add(pattern, handler.bound, named);
    }
  }
  mismatches.end();
  for (const table of tables.values()) table.refuseMixedOrder();
  return [...tables.values()];
}

interface Source {
  readonly stream: string;
  readonly pattern: string;
  readonly named: boolean;
}

function sourcesOf(
  definition: HandlerDefinition,
  options: PlanOptions,
  mismatches: RouteMismatches,
): Source[] {
  const named = definition.options.streams;
  return definition.events.flatMap((pattern): Source[] => {
    const routed = streamsByRoute(pattern, options);
    if (named) {
      mismatches.look(definition, pattern, named, routed);
      return named.map((stream) => ({ stream, pattern, named: true }));
    }
    if (routed.length > 0) return routed.map((stream) => ({ stream, pattern, named: true }));
    if (isWildcard(pattern)) throw new WildcardWithoutStreamError(definition.name, pattern);
    return [{ stream: pattern, pattern, named: false }];
  });
}

/** All streams to which routes send events of this pattern. */
function streamsByRoute(pattern: string, { routes, route }: PlanOptions): string[] {
  if (!isWildcard(pattern)) return route(pattern) === pattern ? [] : [route(pattern)];
  const streams = routes
    .filter((candidate) =>
      routeEvents(candidate).some((events) => patternsOverlap(events, pattern)),
    )
    .map((candidate) => candidate.stream);
  return [...new Set(streams)];
}

/**
 * Streams of one group share a reader, with two exceptions. A handler with a concurrency of its own
 * gets a reader of its own, so that it never holds up the others. So does a stream whose messages
 * are handled in order, which one process reads at a time.
 */
export function shareReaders(tables: readonly HandlerTable[]): ConsumerPlan[] {
  const shared = new Map<string, HandlerTable[]>();
  const plans: ConsumerPlan[] = [];
  for (const table of tables) {
    if (table.ordered || table.handlers.some((handler) => handler.concurrency !== undefined)) {
      plans.push(planOf([table], () => concurrencyOf(table)));
    } else {
      join(shared, table.group, table);
    }
  }
  return [...[...shared.values()].map((group) => planOf(group, () => undefined)), ...plans];
}

/** Where every handler has a limit, no more entries than their sum could run. */
function concurrencyOf(table: HandlerTable): number | undefined {
  return table.handlers.reduce<number | undefined>(
    (sum, { concurrency }) =>
      sum === undefined || concurrency === undefined ? undefined : sum + concurrency,
    0,
  );
}

function planOf(
  tables: readonly HandlerTable[],
  concurrency: () => number | undefined,
): ConsumerPlan {
  return {
    ordered: tables.some((table) => table.ordered),
    group: tables[0]!.group,
    tables: new Map(tables.map((table) => [table.stream, table])),
    // Handlers may join a table later.
    get concurrency() {
      return concurrency();
    },
  };
}
