import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  LiveConsumer,
} from '../../../ports/live-consumers.js';

/** The part of a field that its owner decides, see `announcement.ts`. */
type Told = Pick<LiveConsumer, 'process' | 'events' | 'options'>;

export const fieldText = (
  { process }: Pick<Announcement, 'process'>,
  { events, options }: AnnouncedStream,
): string => JSON.stringify({ process, events, options } satisfies Told);

/** @returns undefined where the field has another form, since another program has written it */
export function parseField(
  value: string,
  of: { readonly stream: string; readonly group: string; readonly consumer: string },
  now: number,
): LiveConsumer | undefined {
  const [, state, till, since, instance, json] =
    /^([a-z]+) (\d+) (\d+) (\S+) (.*)$/s.exec(value) ?? [];
  if (json === undefined) return undefined;
  const alive = state !== 'closed' && Number(till) > now;
  try {
    const { process, events, options } = JSON.parse(json) as Told;
    return {
      ...of,
      events,
      options,
      process: { ...process, application: process.application },
      instance: instance!,
      state: state as ConsumerState,
      alive,
      age: Math.min(now, Number(till)) - Number(since),
      goneFor: alive ? undefined : Math.max(0, now - Number(till)),
    };
  } catch {
    return undefined;
  }
}
