import { ConsoleLogger } from '@nestjs/common';

/** For the option `logger` of `NestFactory`: each line is a JSON record, with the fields at its top. */
export const logger = new ConsoleLogger({ json: true, flattenParams: true });
