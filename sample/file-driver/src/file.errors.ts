import { StreamsError } from 'nestjs-redis-streams/driver';

/** Another process has the directory open. Two processes would write over each other. */
export class DirectoryInUseError extends StreamsError {
  static readonly code: string = 'FILE_DIRECTORY_IN_USE';

  constructor(
    readonly directory: string,
    readonly lockFile: string,
    /** The process that has it, as the lock file names it. */
    readonly holder: string,
  ) {
    super(
      DirectoryInUseError.code,
      `The directory ${directory} is in use by ${holder}. Stop that process, or give this one a directory of its own. ` +
        `If you are sure that the process has ended, delete ${lockFile}.`,
    );
  }
}

/** A line of a file is not what the driver writes. Nothing is repaired, since data would be lost. */
export class DamagedFileError extends StreamsError {
  static readonly code: string = 'FILE_DAMAGED';

  constructor(
    readonly file: string,
    /** Number of the line, from 1. */
    readonly line: number,
    problem: string,
  ) {
    super(
      DamagedFileError.code,
      `${file}, line ${line}: ${problem}. Restore the file from a backup, or stop the process and correct or delete the line.`,
    );
  }
}
