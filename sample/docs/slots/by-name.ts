import { StreamsModule } from 'nestjs-redis-streams';

// #region by-name
export const Streams = StreamsModule.forRoot({
  group: 'order-service',
  slots: {
    messageSource: { driver: 'redis', config: { host: 'localhost' } },
    stateStore: { driver: 'redis', config: { host: 'localhost' } },
    deadLetterQueue: { driver: 'redis', config: { host: 'archive' } },
  },
});
// #endregion
