import type { Delivery } from '../../core/delivery.js';

const NAME = 'nestjs-redis-streams run ';

/** Marks, by the number in their name. Each stands for a run, or will again. */
const marks: RunMark[] = [];

/**
 * Stands for one run at a time, under a name that the stack traces of the run show.
 *
 * An AsyncLocalStorage would find more runs, but would make each promise of the process dearer. A
 * name costs a run nothing: the trace is only made when {@link callingRun} is called.
 */
export class RunMark {
  /** The present run. Undefined: there is none, and a trace through this mark says nothing. */
  runs: readonly Delivery[] | Delivery | undefined;
  /** The run has called the work. It awaits the work only if its result is lazy. */
  called = false;

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

/**
 * Does work that belongs to the run of these deliveries, where no trace leads to the run itself.
 */
export function marked<T>(
  runs: readonly Delivery[] | Delivery,
  work: () => T | Promise<T>,
): Promise<T> {
  return (idle.pop() ?? newMarked(idle))(runs, work as () => Promise<T>) as Promise<T>;
}

/** Functions that mark no call now. */
const idleCalls: Marked[] = [];

/**
 * Does work that awaits the end of runs. No trace leads through an Observable. So this notes which
 * run makes the call: {@link callingRun} then finds this run where its method has returned an
 * Observable.
 */
export function called<T>(work: () => Promise<T>): Promise<T> {
  const runs = runsOf(tracedMarks()[0]);
  if (runs.length === 0) return work();
  return (idleCalls.pop() ?? newMarked(idleCalls))(runs, work) as Promise<T>;
}

function newMarked(idle: Marked[]): Marked {
  const mark = new RunMark();
  mark.called = idle === idleCalls;
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
 * The deliveries whose run awaits the caller of this function, or has called it just now. Empty
 * where the trace leads to no run: outside of runs, and where a timer or an event lies between.
 */
export function callingRun(): readonly Delivery[] {
  for (const mark of tracedMarks()) {
    const runs = runsOf(mark);
    if (!mark.called) return runs;
    if (runs[0]?.lazyResult) return runs;
  }
  return [];
}

/** The innermost one first: a run may have begun while another one ended. */
function tracedMarks(): RunMark[] {
  const names = traced().filter((name) => name?.startsWith(NAME)) as string[];
  return names.map((name) => marks[Number(name.slice(NAME.length))]!);
}

function runsOf(mark: RunMark | undefined): readonly Delivery[] {
  const runs = mark?.runs ?? [];
  return Array.isArray(runs) ? (runs as readonly Delivery[]) : [runs as Delivery];
}

/** Names of the calling functions, then of those that await them. */
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
