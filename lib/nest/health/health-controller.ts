import {
  Controller,
  Get,
  Header,
  Inject,
  NotFoundException,
  ServiceUnavailableException,
  VERSION_NEUTRAL,
  type Type,
} from '@nestjs/common';
import type { HealthReport } from '../../observability/health/health-report.js';
import type { HealthPort } from './health-module-options.js';
import { StreamsHealth } from './streams-health.js';

/** Token of where the pages are served. */
export const HEALTH_PORT = Symbol('nestjs-redis-streams:health-port');

/** Makes the controller that serves `live` and `ready` below a path of the application. */
export function healthController(path: string): Type {
  @Controller({ path, version: VERSION_NEUTRAL })
  class StreamsHealthController {
    constructor(
      @Inject(StreamsHealth) private readonly health: StreamsHealth,
      @Inject(HEALTH_PORT) private readonly at: HealthPort,
    ) {}

    /** @throws ServiceUnavailableException, and NotFoundException where the pages have a port of their own */
    @Get('live')
    @Header('cache-control', 'no-store')
    live(): HealthReport {
      this.refuseElsewhere();
      return answered(this.health.liveness());
    }

    /** @throws as {@link live} */
    @Get('ready')
    @Header('cache-control', 'no-store')
    async ready(): Promise<HealthReport> {
      this.refuseElsewhere();
      return answered(await this.health.readiness());
    }

    private refuseElsewhere(): void {
      if (this.at.port !== undefined) throw new NotFoundException();
    }
  }
  return StreamsHealthController;
}

function answered(report: HealthReport): HealthReport {
  if (report.status === 'down') throw new ServiceUnavailableException(report);
  return report;
}
