import { flag, list, text, whole } from '../../core/option-schema/kinds.js';
import { declareOptions, type Completed, type Given } from '../../core/option-schema/shape.js';

export const HEALTH_OPTIONS = declareOptions('the health of a transport', {
  /**
   * A read that takes longer than this is stuck, in milliseconds: liveness is down. Time in which a
   * connection was broken does not count. @default three times `blockTimeout`, at least 30000
   */
  readerDeadline: whole(1).duration(),
  /**
   * How long readiness waits for the answer of the server, in milliseconds. Shorter than the second after
   * which a probe of Kubernetes gives up, so that the cause is seen. @default 700
   */
  timeout: whole(1).duration().default(700),
  /**
   * Readiness uses an answer of the server again for this time, in milliseconds, so that many probes
   * cost the server little. @default 2000
   */
  cacheFor: whole(0).duration().default(2000),
  /**
   * How long a single incident, such as a dead letter, counts as degraded, in milliseconds.
   * @default 300000
   */
  window: whole(1).duration().default(300_000),
  /** As many messages given up within `window` are degraded. @default 1 */
  deadLetters: whole(1).default(1),
  /**
   * True: readiness is down until the transport reads. Set it to false for an application that only
   * publishes. @default true
   */
  consumes: flag().default(true),
  /** Codes of causes that do not count as degraded here, such as `fallback`. @default none */
  ignore: list(text(), "codes of causes, such as 'fallback'").default([]),
});

/** What counts as healthy. */
export interface HealthOptions extends Given<typeof HEALTH_OPTIONS> {}

/** {@link HealthOptions} with all defaults filled in. */
export interface ResolvedHealth extends Completed<typeof HEALTH_OPTIONS> {}
