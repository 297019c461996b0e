import type {
  BatchOptions,
  DedupeKey,
  DedupeOptions,
  HandlerOptions,
} from '../core/handler-options.js';
import type { HandlerDefinition } from '../core/handler.js';
import { whole, type Problems } from './problems.js';

const HOUR = 3_600_000;

/** What is decided about a handler's `dedupe` or `inbox`; undefined where it has none. */
export function resolveDedupe(
  given: HandlerOptions['dedupe'],
): Required<DedupeOptions> | undefined {
  if (given === undefined || given === false) return undefined;
  const options = optionsOf(given);
  return Object.freeze({ key: options.key ?? 'message', ttl: options.ttl ?? HOUR });
}

export function resolveBatch(given: BatchOptions | undefined): Required<BatchOptions> | undefined {
  return given && Object.freeze({ size: given.size, maxWait: given.maxWait ?? 1000 });
}

/** What is wrong with `dedupe`, `inbox` and `batch` by themselves. */
export function onceProblems(problems: Problems, options: HandlerOptions): void {
  dedupeProblems(problems, 'dedupe', options.dedupe);
  dedupeProblems(problems, 'inbox', options.inbox);
  const { batch } = options;
  if (batch !== undefined) {
    if (typeof batch !== 'object' || batch === null || batch.size === undefined)
      return void problems.push('batch must be { size, maxWait? }');
    const own: Problems = [];
    whole(own, batch, 'size', 1, 10_000);
    whole(own, batch, 'maxWait', 0);
    problems.push(...own.map((problem) => `batch.${problem}`));
  }
  if (resolveDedupe(options.dedupe) && resolveDedupe(options.inbox))
    problems.push('give dedupe or inbox, not both: an inbox knows duplicates, too');
}

/** What does not go together, or not with the kind of handler that it is. */
export function kindProblems({ options, answers, invokeBatch }: HandlerDefinition): string[] {
  const problems: string[] = [];
  const set = (['dedupe', 'inbox', 'batch', 'orderBy'] as const).filter((name) => options[name]);
  if (answers) {
    problems.push(
      ...set.map((name) => `${name} is for events; what answers requests cannot have it`),
    );
  } else if (options.batch && !invokeBatch) {
    problems.push('batch needs @StreamHandler');
  }
  if (options.batch && options.inbox)
    problems.push('batch and inbox do not go together: a transaction is of one message');
  if (options.balanced !== undefined && options.orderBy !== undefined)
    problems.push('orderBy does not go together with streams that are shared out');
  if (options.batch && options.orderBy !== undefined)
    problems.push('batch and orderBy do not go together: a batch runs messages of one key at once');
  return problems;
}

function dedupeProblems(
  problems: Problems,
  name: 'dedupe' | 'inbox',
  given: HandlerOptions['dedupe'],
): void {
  if (given === undefined || typeof given === 'boolean') return;
  if (typeof given !== 'string' && (typeof given !== 'object' || given === null))
    return void problems.push(`${name} must be true, 'message', 'idempotencyKey' or an object`);
  const options = optionsOf(given);
  const { key } = options;
  if (key !== undefined && !isKey(key))
    problems.push(`${name}.key must be 'message', 'idempotencyKey' or a function of the message`);
  const own: Problems = [];
  whole(own, options, 'ttl', 1);
  problems.push(...own.map((problem) => `${name}.${problem}`));
}

const isKey = (key: unknown): key is DedupeKey =>
  key === 'message' || key === 'idempotencyKey' || typeof key === 'function';

function optionsOf(given: Exclude<HandlerOptions['dedupe'], undefined | false>): DedupeOptions {
  if (given === true) return {};
  return typeof given === 'string' ? { key: given } : given;
}
