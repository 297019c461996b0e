import { HandlerConflictError } from '../core/errors.js';
import type { BoundHandler } from '../core/delivery.js';
import type { UnmatchedPolicy } from '../core/handler-options.js';
import { eventMatcher, isWildcard, patternsOverlap } from '../core/routing.js';

interface Entry {
  readonly pattern: string;
  readonly matches: (eventType: string) => boolean;
  readonly handler: BoundHandler;
}

/** The handlers of one stream and group, by event type. */
export class HandlerTable {
  private readonly exact = new Map<string, BoundHandler>();
  private readonly entries: Entry[] = [];
  private fromPattern = false;

  constructor(
    readonly stream: string,
    readonly group: string,
    private readonly override: UnmatchedPolicy | undefined,
  ) {}

  /**
   * @param named the stream was named or routed, not taken from the event type
   * @throws HandlerConflictError where another handler takes some of the same events
   */
  add(pattern: string, handler: BoundHandler, named: boolean): void {
    const rival = this.entries.find((entry) => patternsOverlap(entry.pattern, pattern));
    if (rival) {
      throw new HandlerConflictError(
        rival.handler.name,
        handler.name,
        this.group,
        this.stream,
        pattern,
      );
    }
    this.entries.push({ pattern, matches: eventMatcher(pattern), handler });
    if (!isWildcard(pattern)) this.exact.set(pattern, handler);
    if (!named) this.fromPattern = true;
  }

  find(eventType: string): BoundHandler | undefined {
    return (
      this.exact.get(eventType) ?? this.entries.find((entry) => entry.matches(eventType))?.handler
    );
  }

  /** What becomes of event types that no handler takes. */
  get unmatched(): UnmatchedPolicy {
    return this.override ?? (this.fromPattern ? 'dead-letter' : 'ack');
  }

  get handlers(): readonly BoundHandler[] {
    return [...new Set(this.entries.map((entry) => entry.handler))];
  }
}
