import { ForwardCycleError } from '../../core/errors/dead-letter.errors.js';
import type { HandlerTable } from './handler-table.js';

/** A handler that forwards dead letters of its stream to a stream that is known at the start. */
interface Forwarding {
  readonly handler: string;
  readonly stream: string;
  readonly to: string;
}

/** @throws ForwardCycleError naming the handlers of a circle */
export function refuseForwardCycles(tables: Iterable<HandlerTable>): void {
  const all = [...tables].flatMap(forwardingsOf);
  for (const one of all) {
    const circle = circleFrom([one], all);
    if (circle) throw new ForwardCycleError(circle);
  }
}

function forwardingsOf({ stream, handlers }: HandlerTable): Forwarding[] {
  return handlers.flatMap(({ name, deadLetter }) =>
    typeof deadLetter === 'object' && typeof deadLetter.forward === 'string'
      ? [{ handler: name, stream, to: deadLetter.forward }]
      : [],
  );
}

/** The way from the first stream back to it, where there is one. */
function circleFrom(
  way: readonly Forwarding[],
  all: readonly Forwarding[],
): readonly Forwarding[] | undefined {
  const { to } = way.at(-1)!;
  if (to === way[0]!.stream) return way;
  for (const next of all) {
    if (next.stream !== to || way.includes(next)) continue;
    const circle = circleFrom([...way, next], all);
    if (circle) return circle;
  }
  return undefined;
}
