import { StreamsError } from './streams.error.js';

/** Short words of small letters, as names of drivers are. Secrets are not. */
const LIKE_A_NAME = /^(?=.{1,24}$)[a-z]+\d?(-[a-z]+\d?)*$/;

/** The name of a driver, to be shown. Undefined: it does not look like a name, and may be a URL with a password. */
export const shownName = (given: string): string | undefined =>
  LIKE_A_NAME.test(given) ? given : undefined;

/** A slot names a driver that this process does not know. Thrown when the application starts. */
export class UnknownDriverError extends StreamsError {
  static readonly code: string = 'UNKNOWN_DRIVER';
  static readonly advice: string =
    'Correct the name, or pass the function that makes the driver in the option drivers: { drivers: { name: makeDriver } }.';

  /** The name that was given. Undefined: it does not look like a name, and may be a URL with a password. */
  readonly driver: string | undefined;

  /** @param hint a sentence on the names that there are */
  constructor(
    readonly slot: string,
    given: string,
    hint: string,
  ) {
    const driver = shownName(given);
    const names = driver === undefined ? 'a driver' : `the driver "${driver}"`;
    super(
      UnknownDriverError.code,
      `The slot ${slot} names ${names}, which is not known. ${hint} ${UnknownDriverError.advice}`,
    );
    this.driver = driver;
  }
}

/** A driver cannot fill a slot, because it lacks a port. Thrown when the application starts. */
export class WrongDriverForSlotError extends StreamsError {
  static readonly code: string = 'WRONG_DRIVER_FOR_SLOT';
  static readonly advice: string = 'Fill the slot with another driver, or leave it empty.';

  /** @param lacking what the driver does not have */
  constructor(
    readonly slot: string,
    readonly driver: string,
    lacking: string,
  ) {
    super(
      WrongDriverForSlotError.code,
      `The driver ${driver} cannot fill the slot ${slot}: it has no ${lacking}. ` +
        WrongDriverForSlotError.advice,
    );
  }
}

/** A required slot is empty. Thrown when the transport or client is made, or the application starts. */
export class MissingSlotError extends StreamsError {
  static readonly code: string = 'MISSING_SLOT';
  static readonly advice: string =
    'Fill it, for example slots: { messageSource: redis({ url }), stateStore: redis({ url }), deadLetterQueue: redis({ url }) }, or so with postgres or nats. RedisStreamsModule fills all slots with Redis.';

  /** @param why what needs the slot. @default every application */
  constructor(
    readonly slot: string,
    why?: string,
  ) {
    const empty = `The slot ${slot} is empty${why === undefined ? '' : `, and ${why}`}.`;
    super(MissingSlotError.code, `${empty} ${MissingSlotError.advice}`);
  }
}
