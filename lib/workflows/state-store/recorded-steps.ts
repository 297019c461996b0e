import type { FinishedStep, StoredWorkflow } from '../../ports/workflow-store.js';
import { isFresh, type Lifetime, type SharedRecords } from './shared-record.js';

type RecordedStep = readonly [place: string, run: number, failed: boolean, record: string];

/** Steps of a workflow. Nothing is added to a page that is full. */
interface Page {
  readonly steps: readonly RecordedStep[];
  readonly full: boolean;
}

/** A page with more than this is full, in characters. Each step that ends rewrites one page. */
const PAGE = 32_768;

/** The page that this process has last written of a workflow. */
interface LastPage {
  readonly page: number;
  /** The pages before are kept until then, in milliseconds since the epoch. */
  readonly expires: number;
}

const MOST_REMEMBERED = 1000;

/** The steps of workflows, in pages: a page is filled, then the next one begins. */
export class RecordedSteps {
  private readonly lastPages = new Map<string, LastPage>();

  constructor(private readonly records: SharedRecords) {}

  /** Of two records of one step, the reader takes that of the later run. */
  async add(workflow: string, steps: readonly FinishedStep[], ttl: number): Promise<void> {
    const known = this.lastPages.get(workflow);
    const isKnown = known && isFresh(known.expires, { ttl }, this.records.clock.wallTime());
    await this.write(workflow, steps, { ttl }, isKnown ? known : { page: 0, expires: Infinity });
  }

  /** Keeps all pages until this time, and those that are added later. */
  async keep(workflow: string, until: number): Promise<void> {
    const life = { ttl: 0, until };
    for (let page = 0; ; page++) {
      // Creates the page after a full one: a step that is added at the same moment finds it.
      const { is } = await this.records.update<Page>(keyOf(workflow, page), life, (found) => found);
      if (!is?.full) return;
    }
  }

  async read(workflow: string): Promise<Pick<StoredWorkflow, 'failed' | 'steps'>> {
    const latest = new Map<string, RecordedStep>();
    for (let page = 0; ; page++) {
      const { is } = await this.records.read<Page>(keyOf(workflow, page));
      for (const step of is?.steps ?? []) merge(latest, step);
      if (!is?.full) break;
    }
    return {
      failed: [...latest.values()].filter(([, , failed]) => failed).length,
      steps: new Map([...latest].map(([place, [, , , record]]) => [place, record])),
    };
  }

  private async write(
    workflow: string,
    steps: readonly FinishedStep[],
    { ttl }: Lifetime,
    from: LastPage,
  ): Promise<void> {
    let { page, expires } = from;
    let left = steps;
    for (let until = 0; left.length > 0; page++) {
      let rest = left;
      const life = { ttl, until };
      const written = await this.records.update<Page>(keyOf(workflow, page), life, (found) => {
        const isFull = found.is?.full === true;
        if (isFull) rest = left;
        else return { is: filled(found.is?.steps ?? [], left, (over) => (rest = over)) };
        return isFresh(found.expires, life, this.records.clock.wallTime()) ? undefined : found;
      });
      left = rest;
      ({ until } = written);
      if (left.length > 0) expires = Math.min(expires, written.expires);
    }
    if (page > 1) this.remember(workflow, { page: page - 1, expires });
  }

  private remember(workflow: string, last: LastPage): void {
    const { lastPages } = this;
    if (lastPages.size >= MOST_REMEMBERED) lastPages.clear();
    lastPages.set(workflow, last);
  }
}

/** @param onRest called with the steps that the page has no room for */
function filled(
  before: readonly RecordedStep[],
  steps: readonly FinishedStep[],
  onRest: (steps: readonly FinishedStep[]) => void,
): Page {
  const latest = new Map(before.map((step) => [step[0], step]));
  let size = before.reduce((sum, step) => sum + sizeOf(step), 0);
  let taken = 0;
  while (taken < steps.length && size <= PAGE) {
    const { step, run, failed, record } = steps[taken++]!;
    const made = [step, run, failed, record] as const;
    merge(latest, made);
    size += sizeOf(made);
  }
  onRest(steps.slice(taken));
  return { steps: [...latest.values()], full: size > PAGE };
}

/** Of two records of one step, that of the later run stays; of the same run, the later record. */
function merge(latest: Map<string, RecordedStep>, step: RecordedStep): void {
  const [place, run] = step;
  const before = latest.get(place);
  if (!before || run >= before[1]) latest.set(place, step);
}

const sizeOf = ([place, , , record]: RecordedStep): number => place.length + record.length;

const keyOf = (workflow: string, page: number): string => `workflow:steps:${workflow}:${page}`;
