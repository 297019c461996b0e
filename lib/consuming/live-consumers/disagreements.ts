import type { AnnouncedStream, LiveConsumer, SharedOptions } from '../../ports/live-consumers.js';
import type { ConsumerProcess } from '../../ports/consumer-process.js';

/** A setting that is probably not meant, with a stable code. */
export interface Disagreement {
  readonly code: string;
  readonly message: string;
}

const COMPARED: readonly (keyof SharedOptions)[] = ['idleTimeout', 'maxDeliveries', 'ordered'];

/** Warnings for a consumer that starts, about others that read the same stream in its group. */
export function warningsAbout(
  process: ConsumerProcess,
  consumer: string,
  own: AnnouncedStream,
  others: readonly LiveConsumer[],
): Disagreement[] {
  const alive = others.filter((other) => other.alive);
  return [...alive.flatMap((other) => applications(process, other)), ...alive.flatMap(options)];

  function options(other: LiveConsumer): Disagreement[] {
    return COMPARED.filter((name) => own.options[name] !== other.options[name]).map((name) => ({
      code: 'CONSUMER_OPTIONS_DIFFER',
      message:
        `Consumers of group "${other.group}" differ in ${name}: "${consumer}" has ` +
        `${textOf(own.options, name)}, "${other.consumer}" has ${textOf(other.options, name)}. ` +
        'Give all consumers of a group the same.',
    }));
  }
}

function applications(own: ConsumerProcess, other: LiveConsumer): Disagreement[] {
  const { application } = other.process;
  if (!own.application || !application || own.application === application) return [];
  const message =
    `Two applications read in group "${other.group}", "${own.application}" and "${application}": each ` +
    'gets only some of the messages. Give each application a group of its own, by the option group; ' +
    'where they are one, give both the same option application.';
  return [{ code: 'APPLICATIONS_SHARE_GROUP', message }];
}

function textOf(options: SharedOptions, name: keyof SharedOptions): string {
  const value = options[name];
  if (typeof value === 'number') return name === 'idleTimeout' ? `${value} ms` : String(value);
  return value ? 'orderBy' : 'no orderBy';
}
