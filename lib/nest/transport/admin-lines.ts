import type { AdministeredEvent } from '../../core/admin-events.js';
import { bounded, textOf } from '../../core/errors/text-of.js';
import type { Line } from './rate-limited-log.js';

/** Longest text of what the caller gave, in bytes. */
const LONGEST = 512;

/**
 * The line of an administrative action: who asked for it, what it was to change, and what became of
 * it. Each action of a person has a line. Without a name it may be an everyday call of the
 * application, such as the end of a reminder: then similar actions are of one kind.
 */
export function administered(event: AdministeredEvent): Line {
  const { action, by, count, details, error } = event;
  const given = details === undefined ? '{}' : textOf(details);
  const parts = [
    `Administrative action ${action}`,
    ...(by === undefined ? [] : [`asked for by ${JSON.stringify(by)}`]),
    ...placeOf(event),
    ...(given === '{}' ? [] : [`with ${bounded(given, LONGEST)}`]),
  ];
  const verb = action === 'groups.remove-consumer' ? 'handed over' : 'changed';
  const end = error ? `failed: ${error.message}` : `${verb} ${count}`;
  return {
    level: error ? 'warn' : 'log',
    text: `${parts.join(', ')}: ${end}`,
    key: `administered ${action} ${placeOf(event).join('')} ${error?.name}`,
    always: by !== undefined,
  };
}

function placeOf({ stream, group }: AdministeredEvent): string[] {
  if (stream === undefined) return [];
  return [`on stream "${stream}"${group === undefined ? '' : ` and group "${group}"`}`];
}
