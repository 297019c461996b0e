import {
  DedupeConflictError,
  HandlerConflictError,
  OrderConflictError,
} from '../../core/errors/start-up.errors.js';
import type { BoundHandler } from '../../core/delivery.js';
import type { UnmatchedPolicy } from '../../options/streams-options.js';
import type { CompletionKey } from '../../core/completion.js';
import { eventMatcher, isWildcard, patternsOverlap } from '../../core/routing.js';
import { FormerNames, onceName, sharedOnceName, type OnceOption } from './once-names.js';

/** One pattern of one handler. */
interface Entry {
  readonly pattern: string;
  readonly matches: (eventType: string) => boolean;
  readonly handler: BoundHandler;
}

/** Handlers by event type. Their patterns do not overlap. */
class Handlers {
  readonly exact = new Map<string, BoundHandler>();
  entries: readonly Entry[] = [];

  add(pattern: string, handler: BoundHandler): void {
    this.entries = [...this.entries, { pattern, matches: eventMatcher(pattern), handler }];
    if (!isWildcard(pattern)) this.exact.set(pattern, handler);
  }

  remove(handler: BoundHandler): void {
    this.entries = this.entries.filter((entry) => entry.handler !== handler);
    for (const [pattern, known] of this.exact) if (known === handler) this.exact.delete(pattern);
  }

  find(eventType: string): BoundHandler | undefined {
    return (
      this.exact.get(eventType) ?? this.entries.find((entry) => entry.matches(eventType))?.handler
    );
  }

  /** The pattern by which {@link find} has found a handler. */
  patternOf(eventType: string): string | undefined {
    if (this.exact.has(eventType)) return eventType;
    return this.entries.find((entry) => entry.matches(eventType))?.pattern;
  }
}

/**
 * The handlers of one stream and group. One pattern may have one handler for events and one for
 * requests.
 */
export class HandlerTable {
  private readonly ofEvents = new Handlers();
  private readonly ofRequests = new Handlers();
  private fromPattern = false;
  /** Made on demand, and made again after handlers were added or removed. */
  private formerNames: FormerNames | undefined;

  constructor(
    readonly stream: string,
    readonly group: string,
    private readonly override: UnmatchedPolicy | undefined,
  ) {}

  /**
   * @param named the stream was named or routed, not taken from the event type
   * @throws HandlerConflictError where another handler takes some of the same events,
   * DedupeConflictError
   */
  add(pattern: string, handler: BoundHandler, named: boolean): void {
    this.refuseRival(pattern, handler);
    this.of(handler).add(pattern, handler);
    this.formerNames = undefined;
    if (!named) this.fromPattern = true;
  }

  /**
   * @throws HandlerConflictError, DedupeConflictError where a handler of the other table conflicts
   */
  refuseRivals(other: HandlerTable): void {
    for (const { pattern, handler } of other.entries) this.refuseRival(pattern, handler);
  }

  /** Adds the handlers of another table, which were checked before. */
  merge(other: HandlerTable): void {
    for (const { pattern, handler } of other.entries) this.of(handler).add(pattern, handler);
    this.formerNames = undefined;
    if (other.fromPattern) this.fromPattern = true;
  }

  /** Removes the handlers of a table that was merged. */
  unmerge(other: HandlerTable): void {
    for (const handler of other.handlers) this.of(handler).remove(handler);
    this.formerNames = undefined;
  }

  /** An event that only a handler of requests takes runs there, and its answer goes nowhere. */
  find(eventType: string): BoundHandler | undefined {
    const { ofEvents, ofRequests } = this;
    return ofEvents.exact.get(eventType) ?? ofEvents.find(eventType) ?? ofRequests.find(eventType);
  }

  /** Where no handler of requests takes the event: a handler of events, which has to refuse. */
  findForRequest(eventType: string): BoundHandler | undefined {
    return this.ofRequests.find(eventType) ?? this.ofEvents.find(eventType);
  }

  /** The key under which a handler with that option completes this message. */
  completionKey(
    handler: BoundHandler,
    option: OnceOption,
    { eventType, key }: { readonly eventType: string; readonly key: string },
  ): CompletionKey {
    this.formerNames ??= new FormerNames(this.handlers);
    const { stream, group } = this;
    const pattern = this.of(handler).patternOf(eventType) ?? eventType;
    const name = onceName({ pattern, handler }, option)!;
    return { stream, group, handler: name, formerly: this.formerNames.of(handler, option), key };
  }

  /** What becomes of event types that no handler takes. */
  get unmatched(): UnmatchedPolicy {
    return this.override ?? (this.fromPattern ? 'dead-letter' : 'ack');
  }

  /** Messages are handled in the order of their keys. */
  get ordered(): boolean {
    return this.handlers.some((handler) => handler.orderBy);
  }

  /**
   * @throws OrderConflictError where some handlers of both tables are ordered and others are not
   */
  refuseMixedOrder(other: HandlerTable = this): void {
    const all = [...this.handlers, ...other.handlers];
    const ordered = all.find((handler) => handler.orderBy);
    const unordered = all.find((handler) => !handler.orderBy);
    if (!ordered || !unordered) return;
    throw new OrderConflictError(ordered.name, unordered.name, this.group, this.stream);
  }

  get entries(): readonly Entry[] {
    return [...this.ofEvents.entries, ...this.ofRequests.entries];
  }

  get handlers(): readonly BoundHandler[] {
    return [...new Set(this.entries.map((entry) => entry.handler))];
  }

  private of(handler: BoundHandler): Handlers {
    return handler.answers ? this.ofRequests : this.ofEvents;
  }

  private refuseRival(pattern: string, handler: BoundHandler): void {
    const { group, stream } = this;
    const { entries } = this.of(handler);
    const rival = entries.find((entry) => patternsOverlap(entry.pattern, pattern));
    if (rival)
      throw conflictOf(
        rival.handler,
        handler,
        `"${pattern}" of stream "${stream}" in group "${group}"`,
      );
    for (const entry of entries) {
      const shared = sharedOnceName(entry, { pattern, handler });
      if (!shared) continue;
      const where = { group, stream, name: shared.name };
      throw new DedupeConflictError(shared.option, entry.handler.name, handler.name, where);
    }
  }
}

function conflictOf(first: BoundHandler, second: BoundHandler, what: string): HandlerConflictError {
  if (first.origin !== undefined && first.origin === second.origin) {
    return new HandlerConflictError('one-method', `${first.name} takes ${what} twice.`);
  }
  return new HandlerConflictError('methods', `${first.name} and ${second.name} both take ${what}.`);
}
