import { setImmediate as turn } from 'node:timers/promises';
import { sleep, systemClock } from '../../lib/core/clock.js';
import type { Promoted } from '../../lib/ports/delays.js';
import type { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';

/** Messages that are due within this time are promoted together, so a step may wait so long, ms. */
const GATHER = 10;
/** The timer of this watch is set for this much later than that of the scheduler, in milliseconds. */
const LATER = 20;
/** The process may stand still between the two timers: the scheduler has this many more turns. */
const TURNS = 3;
/** Schedulers look at all streams once a second, so no timer is needed for what is due later, ms. */
const LOOK = 1000;

/**
 * Tells whether schedulers look for due messages in time: after a hint, and when the message is
 * due that the store named last. "In time" is an order: the scheduler comes before a timer of the
 * same process that is set for a little later. So a machine at work, which fires both of them late,
 * or a server that is slow to answer, makes no scheduler late.
 */
export class PromotionWatch {
  /** How many hints have arrived, at all schedulers together. */
  heard = 0;
  private readonly expected: Promise<string[]>[] = [];

  /** The steps that were missed so far, once it is known of each. */
  async missed(): Promise<string[]> {
    return (await Promise.all(this.expected)).flat();
  }

  /** Call it before the runtime starts. */
  follow({ driver: { delays } }: StreamsRuntime, name: string): void {
    const { promote, hints } = delays!;
    let steps = 0;
    let underWay = 0;
    let hinted = false;
    const expectStep = (wait: number, why: string): void => {
      const before = steps;
      const isMissed = async (): Promise<boolean> => {
        const by = systemClock.now() + Math.max(wait, GATHER) + LATER;
        while (systemClock.now() < by) await sleep(systemClock, by - systemClock.now());
        for (let turns = 0; turns < TURNS; turns++) {
          await sleep(systemClock, 1);
          await turn();
        }
        return steps === before;
      };
      this.expected.push(isMissed().then((missed) => (missed ? [`${name}: ${why}`] : [])));
    };
    delays!.promote = async (streams) => {
      steps++;
      underWay++;
      hinted = false;
      const results = await promote.call(delays, streams).finally(() => underWay--);
      if (hinted) expectStep(0, 'a hint during a step');
      for (const result of results) {
        const nextIn = nextInOf(result);
        if (nextIn !== undefined && nextIn < LOOK)
          expectStep(nextIn, `a message that is due in ${nextIn} ms`);
      }
      return results;
    };
    delays!.hints = (onScheduled) =>
      hints!.call(delays, (stream) => {
        this.heard++;
        if (underWay > 0) hinted = true;
        else expectStep(0, 'a hint');
        onScheduled(stream);
      });
  }
}

const nextInOf = (result: Promoted | Error): number | undefined =>
  result instanceof Error ? undefined : result.nextIn;
