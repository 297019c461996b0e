import type { DeadLetterStrategy } from '../../core/dead-letter-strategy.js';
import type { HandlerDefinition, PlannedHandler } from '../../options/handler-definition.js';
import { isWildcard } from '../../core/routing.js';

/** Called with settings that are probably not meant. */
export type Warn = (code: string, message: string) => void;

const CODE = 'STREAM_ROUTE_MISMATCH';

/** More handlers than these are counted in a warning, and not named. */
const MOST_NAMED = 5;

/**
 * Warns of handlers whose streams `emit` and `publish` of this application never write to. Handlers
 * that have their stream from the option `stream` share one warning. A stream that dead letters are
 * forwarded to needs no route.
 */
export class RouteMismatches {
  private readonly forwardedTo: ReadonlySet<string>;
  private readonly byOption = new Set<string>();

  /** @param stream the option of the transport */
  constructor(
    handlers: readonly PlannedHandler[],
    private readonly stream: string | undefined,
    private readonly warn: Warn,
  ) {
    this.forwardedTo = new Set(handlers.flatMap(({ bound }) => forwardTarget(bound.deadLetter)));
  }

  /**
   * @param named the streams that the handler reads
   * @param routed the streams to which routes send such events
   */
  look(
    { name }: HandlerDefinition,
    pattern: string,
    named: readonly string[],
    routed: readonly string[],
  ): void {
    const published = routed.length > 0 ? routed : [isWildcard(pattern) ? undefined : pattern];
    if (published.some((stream) => stream !== undefined && named.includes(stream))) return;
    if (named.every((stream) => this.forwardedTo.has(stream))) return;
    if (named.length === 1 && named[0] === this.stream) {
      this.byOption.add(name);
      return;
    }
    const target = published[0] ?? 'the stream of each event type';
    this.warn(
      CODE,
      `${name} takes "${pattern}" from ${named.join(', ')}, but emit and publish without a ` +
        `stream send such events to ${target}. Add a route if this application publishes them.`,
    );
  }

  /** Tells of the handlers that share a warning. Call it after the last handler. */
  end(): void {
    const names = [...this.byOption];
    if (names.length === 0) return;
    const more = names.length - MOST_NAMED;
    const handlers = names.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
    this.warn(
      CODE,
      `By the option stream (topic in a file) these handlers take their events from ${this.stream}: ` +
        `${handlers}. emit and publish do not go by that option. If this application publishes such ` +
        'events, name the stream when you publish, or add a route to it.',
    );
  }
}

const forwardTarget = (strategy: DeadLetterStrategy | undefined): string[] =>
  typeof strategy === 'object' && typeof strategy.forward === 'string' ? [strategy.forward] : [];
