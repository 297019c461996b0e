import { ConsoleLogger } from '@nestjs/common';

/** Nest's logger, which leaves out the objects behind the texts. */
export class ShortLines extends ConsoleLogger {
  protected override stringifyParams(): string {
    return '';
  }
}
