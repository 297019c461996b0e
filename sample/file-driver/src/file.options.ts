import { InvalidOptionsError, type Clock } from 'nestjs-redis-streams/driver';

export interface FileOptions {
  /** Folder of the data, made where it does not exist. A relative path begins at the current directory. */
  readonly directory: string;
  /**
   * When a publication, settlement or write of the state store is done. True: the disk has it, so it
   * survives a power failure. False: the operating system has it, so it survives the death of the
   * process. @default true
   */
  readonly sync?: boolean;
  /**
   * What remembers how far a group has come. `source`: the journal does. `engine`: the state store of
   * the application does, see `commits`; then a group has one consumer at a time. @default 'source'
   */
  readonly positions?: 'source' | 'engine';
  /** The time of the driver, for tests. @default the system's */
  readonly clock?: Clock;
}

const KNOWN = ['directory', 'sync', 'positions', 'clock'];

/** @throws InvalidOptionsError, which names every mistake */
export function checkOptions(options: FileOptions): void {
  const given: Partial<Record<string, unknown>> = { ...options };
  const problems = Object.keys(given)
    .filter((name) => !KNOWN.includes(name))
    .map((name) => `file: there is no option ${name}; the options are ${KNOWN.join(', ')}`);
  const { directory, sync, positions, clock } = given;
  if (typeof directory !== 'string' || directory === '') {
    problems.push(`file: directory must be the path of a folder, not ${shown(directory)}`);
  }
  if (sync !== undefined && typeof sync !== 'boolean') {
    problems.push(`file: sync must be true or false, not ${shown(sync)}`);
  }
  if (positions !== undefined && positions !== 'source' && positions !== 'engine') {
    problems.push(`file: positions must be 'source' or 'engine', not ${shown(positions)}`);
  }
  if (clock !== undefined && typeof (clock as Partial<Clock> | null)?.wallTime !== 'function') {
    problems.push(`file: clock must be a Clock, not ${shown(clock)}`);
  }
  if (problems.length > 0) throw new InvalidOptionsError(problems);
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);
