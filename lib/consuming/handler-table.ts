import { HandlerConflictError } from '../core/errors/start-up.errors.js';
import type { BoundHandler } from '../core/delivery.js';
import type { UnmatchedPolicy } from '../core/handler-options.js';
import { eventMatcher, isWildcard, patternsOverlap } from '../core/routing.js';

interface Entry {
  readonly pattern: string;
  readonly matches: (eventType: string) => boolean;
  readonly handler: BoundHandler;
}

/** Handlers that do not get in each other's way, by event type. */
class Handlers {
  private readonly exact = new Map<string, BoundHandler>();
  readonly entries: Entry[] = [];

  add(pattern: string, handler: BoundHandler): void {
    this.entries.push({ pattern, matches: eventMatcher(pattern), handler });
    if (!isWildcard(pattern)) this.exact.set(pattern, handler);
  }

  find(eventType: string): BoundHandler | undefined {
    return (
      this.exact.get(eventType) ?? this.entries.find((entry) => entry.matches(eventType))?.handler
    );
  }
}

/** The handlers of one stream and group. One pattern may have one for events and one for requests. */
export class HandlerTable {
  private readonly ofEvents = new Handlers();
  private readonly ofRequests = new Handlers();
  private fromPattern = false;

  constructor(
    readonly stream: string,
    readonly group: string,
    private readonly override: UnmatchedPolicy | undefined,
  ) {}

  /**
   * @param named the stream was named or routed, not taken from the event type
   * @throws HandlerConflictError where another handler takes some of the same
   */
  add(pattern: string, handler: BoundHandler, named: boolean): void {
    const same = handler.answers ? this.ofRequests : this.ofEvents;
    const rival = same.entries.find((entry) => patternsOverlap(entry.pattern, pattern));
    if (rival) {
      throw new HandlerConflictError(
        rival.handler.name,
        handler.name,
        this.group,
        this.stream,
        pattern,
      );
    }
    same.add(pattern, handler);
    if (!named) this.fromPattern = true;
  }

  /** An event that only a handler of requests takes is run by it, and nobody hears its answer. */
  find(eventType: string): BoundHandler | undefined {
    return this.ofEvents.find(eventType) ?? this.ofRequests.find(eventType);
  }

  /** The answer where there is none: a handler of events, which has to refuse. */
  findForRequest(eventType: string): BoundHandler | undefined {
    return this.ofRequests.find(eventType) ?? this.ofEvents.find(eventType);
  }

  /** What becomes of event types that no handler takes. */
  get unmatched(): UnmatchedPolicy {
    return this.override ?? (this.fromPattern ? 'dead-letter' : 'ack');
  }

  get handlers(): readonly BoundHandler[] {
    const all = [...this.ofEvents.entries, ...this.ofRequests.entries];
    return [...new Set(all.map((entry) => entry.handler))];
  }
}
