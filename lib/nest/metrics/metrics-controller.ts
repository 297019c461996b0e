import {
  Controller,
  Get,
  Inject,
  NotFoundException,
  StreamableFile,
  type Type,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { StreamsMetrics } from '../../observability/metrics/streams-metrics.js';
import type { MetricsSettings } from './metrics-options.js';
import { metricsPage } from './metrics-page.js';

/** Token of the options of the module, with their defaults. */
export const METRICS_SETTINGS = Symbol('nestjs-redis-streams:metrics-settings');

/** Makes the controller that serves the page at a path of the application. */
export function metricsController(path: string): Type {
  @Controller({ path, version: VERSION_NEUTRAL })
  class StreamsMetricsController {
    constructor(
      @Inject(StreamsMetrics) private readonly metrics: StreamsMetrics,
      @Inject(METRICS_SETTINGS) private readonly settings: MetricsSettings,
    ) {}

    /** @throws NotFoundException where the page has a port of its own */
    @Get()
    async page(): Promise<StreamableFile> {
      if (this.settings.port !== undefined) throw new NotFoundException();
      const { contentType, body } = await metricsPage(this.metrics, this.settings.registry);
      return new StreamableFile(body, { type: contentType });
    }
  }
  return StreamsMetricsController;
}
