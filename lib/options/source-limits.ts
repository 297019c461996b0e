import { refuse } from '../core/option-schema/refuse.js';
import { NONE, type Problems } from '../core/option-schema/option.js';
import type { Driver } from '../ports/driver.js';
import type { SourceCapabilities } from '../ports/source-capabilities.js';
import { streamPosition } from './message-ids.js';
import type { ResolvedOptions, StreamsOptions } from './streams-options.js';

/**
 * Checks the options against what the message source can do. A default beyond that is lowered.
 * @param given the options as the application gave them
 * @throws InvalidOptionsError naming every option that the source cannot keep to
 */
export function withinSource(
  given: StreamsOptions,
  options: ResolvedOptions,
  { ids, source }: Pick<Driver, 'ids' | 'source'>,
): ResolvedOptions {
  const { capabilities } = source;
  refuse(
    streamPosition(ids).problems(options.startId, 'startId'),
    payloadProblems(given, capabilities),
    windowProblems(given, capabilities),
  );
  const { maxPayload = Infinity, idempotentPublish } = capabilities;
  const maxPayloadBytes = Math.min(options.maxPayloadBytes, maxPayload);
  const window = idempotentPublish === 'native' ? 'native' : options.idempotencyWindow;
  return Object.freeze({ ...options, maxPayloadBytes, idempotencyWindow: window });
}

function payloadProblems(
  { maxPayloadBytes: given }: StreamsOptions,
  { maxPayload, technology }: SourceCapabilities,
): Problems {
  if (given === undefined || maxPayload === undefined || given <= maxPayload) return NONE;
  return [
    `maxPayloadBytes must be at most ${maxPayload}, the most that ${technology} takes for a whole message, not ${given}`,
  ];
}

function windowProblems(
  { idempotencyWindow: given }: StreamsOptions,
  { idempotentPublish, technology }: SourceCapabilities,
): Problems {
  if (given === undefined || given === 'native' || idempotentPublish !== 'native') return NONE;
  return [
    `idempotencyWindow must be 'native', not ${given}: ${technology} remembers keys for a window of its own`,
  ];
}
