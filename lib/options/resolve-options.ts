import { MissingSlotError } from '../core/errors/slot.errors.js';
import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { nearest } from '../core/option-schema/wording.js';
import { applicationName } from './application-name.js';
import { defaultConsumerName } from './consumer-name.js';
import type { Given } from '../core/option-schema/shape.js';
import {
  SETTINGS_OPTIONS,
  STREAMS_OPTIONS,
  type ResolvedOptions,
  type StreamsOptions,
} from './streams-options.js';

/**
 * Checks all options at once, and fills in the defaults of all but those of the drivers.
 * @throws MissingSlotError, InvalidOptionsError naming every problem
 */
export function resolveOptions(options: StreamsOptions): ResolvedOptions {
  const given: Partial<StreamsOptions['slots']> | undefined = options.slots;
  if (given?.messageSource === undefined) {
    throw new MissingSlotError('messageSource', misspelt('messageSource', given ?? {}));
  }
  const problems = STREAMS_OPTIONS.problems(options);
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const { slots: _, drivers: __, ...settings } = options;
  return resolveSettings(settings);
}

/** Says which name was given where another was meant. Undefined: none is similar. */
function misspelt(slot: string, given: object): string | undefined {
  const name = Object.keys(given).find((key) => key !== slot && nearest(key, [slot]));
  return name && `slots has "${name}", which is no slot: write ${slot}`;
}

/** @throws InvalidOptionsError naming every problem */
export function resolveSettings(settings: Given<typeof SETTINGS_OPTIONS>): ResolvedOptions {
  const problems = SETTINGS_OPTIONS.problems(settings);
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  const decided = SETTINGS_OPTIONS.complete(settings);
  const { idleTimeout, blockTimeout } = decided;
  return Object.freeze({
    ...decided,
    defaultGroup: settings.group === undefined,
    consumer: decided.consumer ?? defaultConsumerName(),
    application: decided.application ?? applicationName(),
    reclaimInterval: decided.reclaimInterval ?? Math.min(Math.ceil(idleTimeout / 2), 5000),
    crashedAfter: decided.crashedAfter ?? 3 * Math.max(idleTimeout, blockTimeout),
  });
}

/** Leaves out what is undefined. */
export const defined = <T extends object>(
  given: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
