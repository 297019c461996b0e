import type { Delivery } from '../../core/delivery.js';

const NAME = 'nestjs-redis-streams run ';

/** Marks that stand for a run now, or will again, by the number in their name. */
const marks: RunMark[] = [];

/**
 * Stands for one run at a time, under a name that the stack traces of the run show.
 *
 * An AsyncLocalStorage would find more runs, and cost each promise of the process something. A name
 * costs a run nothing: the trace is made only when {@link callingRun} is asked.
 */
export class RunMark {
  /** What runs. Empty: nothing does, and a trace through here says nothing. */
  runs: readonly Delivery[] | Delivery | undefined;

  /**
   * @param run an async function that awaits the work
   * @returns the same function, under the name of this mark
   */
  named<F extends (...args: never[]) => Promise<unknown>>(run: F): F {
    return Object.defineProperty(run, 'name', { value: NAME + (marks.push(this) - 1) });
  }
}

type Marked = (
  runs: readonly Delivery[] | Delivery,
  work: () => Promise<unknown>,
) => Promise<unknown>;

/** Functions that mark nothing now. */
const idle: Marked[] = [];

/** Does work that belongs to the run of these deliveries, where no trace leads to the run itself. */
export function marked<T>(
  runs: readonly Delivery[] | Delivery,
  work: () => T | Promise<T>,
): Promise<T> {
  return (idle.pop() ?? newMarked())(runs, work as () => Promise<T>) as Promise<T>;
}

function newMarked(): Marked {
  const mark = new RunMark();
  const run = mark.named(async (runs, work): Promise<unknown> => {
    mark.runs = runs;
    try {
      return await work();
    } finally {
      mark.runs = undefined;
      idle.push(run);
    }
  }) as Marked;
  return run;
}

/**
 * The deliveries whose run awaits the caller of this, or has called it in this instant. Empty where the
 * trace does not lead to one: outside of runs, and where a timer, an event or an Observable lies between.
 */
export function callingRun(): readonly Delivery[] {
  // The innermost: a run may have begun while another one ended.
  const name = traced().find((one) => one?.startsWith(NAME));
  const runs = name && marks[Number(name.slice(NAME.length))]?.runs;
  if (!runs) return [];
  return Array.isArray(runs) ? (runs as readonly Delivery[]) : [runs as Delivery];
}

/** Names of the functions that called, then of those that await them. */
function traced(): (string | null)[] {
  const before = Error.stackTraceLimit;
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  try {
    try {
      Error.stackTraceLimit = Infinity;
      Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFunctionName());
      const { stack } = new Error() as { stack?: unknown };
      return Array.isArray(stack) ? (stack as (string | null)[]) : [];
    } finally {
      Error.stackTraceLimit = before;
      if (own) Object.defineProperty(Error, 'prepareStackTrace', own);
      else Reflect.deleteProperty(Error, 'prepareStackTrace');
    }
  } catch {
    // An environment may have frozen Error.
    return [];
  }
}
