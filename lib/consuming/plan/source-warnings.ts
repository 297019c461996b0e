import type { Driver } from '../../ports/driver.js';

/** A warning at start, about what the message source cannot do. */
export interface SourceWarning {
  readonly code: string;
  readonly message: string;
}

export function sourceWarnings({ source, live }: Pick<Driver, 'source' | 'live'>): SourceWarning[] {
  const { technology, delivery, holds, positions } = source.capabilities;
  const warnings: SourceWarning[] = [];
  if (positions === 'none') warnings.push(keepsNothing(technology));
  else if (delivery === 'at-most-once') warnings.push(atMostOnce(technology));
  if (holds === 'partition') warnings.push(holdsPartitions(technology));
  else if (!live) warnings.push(withoutRegistry(technology));
  return warnings;
}

const atMostOnce = (technology: string): SourceWarning => ({
  code: 'AT_MOST_ONCE',
  message:
    `Messages may be lost on ${technology}: a message that a process was handed does not come again ` +
    'if that process ends before the message is settled. Use a source that delivers at least once ' +
    'where each message counts.',
});

const keepsNothing = (technology: string): SourceWarning => ({
  code: 'AT_MOST_ONCE',
  message:
    `Messages may be lost on ${technology}, which keeps none: a message that is published while no ` +
    'consumer of a group reads never comes to that group, and what a process has in hand when it ends ' +
    'does not come again. startId has no effect. Use a source that delivers at least once where each ' +
    'message counts.',
});

const holdsPartitions = (technology: string): SourceWarning => ({
  code: 'HOLDS_PARTITIONS',
  message:
    `On ${technology} a consumer holds whole partitions. No single message is handed to another ` +
    'consumer, taken over by it, or left pending. A message that waits for its retry in this process, or ' +
    'hangs, holds up how far its partition counts as done. An event type ' +
    'that only some consumers of a group handle is acknowledged, or dead-lettered, by the others: let ' +
    'all consumers of a group handle the same event types.',
});

const withoutRegistry = (technology: string): SourceWarning => ({
  code: 'NO_LIVE_CONSUMERS',
  message:
    `Consumers of one group do not know of each other on ${technology}: an event type that only some of ` +
    'them handle is acknowledged, or dead-lettered, by the others. Let all consumers of a group handle ' +
    'the same event types.',
});
