import type { EventBus } from '../../../core/event-bus.js';

/** Most streams that are remembered. */
const MOST_TOLD = 10_000;

/** Warns once of each stream that a consumer reads and whose name is written as a pattern of NATS. */
export class WildcardWarning {
  private readonly told = new Set<string>();

  constructor(private readonly events: EventBus) {}

  /** Call it with the streams of a consumer that starts. */
  look(streams: readonly string[]): void {
    for (const stream of streams) {
      if (!hasWildcard(stream) || this.told.has(stream) || this.told.size >= MOST_TOLD) continue;
      this.told.add(stream);
      const message =
        `A consumer reads the stream "${stream}", whose name is written as a pattern of NATS. Streams have ` +
        'no wildcards: the consumer gets what is published to the stream of exactly this name, and nothing else. Write ' +
        `the pattern "${patternFor(stream)}" in the handler, and a route: docs/routing.md.`;
      this.events.emit('warning', { code: 'NATS_WILDCARD', message });
    }
  }
}

/** Whether NATS would read the name as a pattern: `>` as the last token, or `*` as a token. */
export function hasWildcard(stream: string): boolean {
  const tokens = stream.split('.');
  return tokens.at(-1) === '>' || tokens.includes('*');
}

/** What a handler writes for it: there `*` stands for dots, too. */
const patternFor = (stream: string): string => stream.replace(/(^|\.)>$/, '$1*');
