import { StreamsModule } from 'nestjs-redis-streams';
import { loadConfig } from 'nestjs-redis-streams/config';

export const streams = () =>
  // #region one
  StreamsModule.forRoot({
    ...loadConfig('consumers.yaml', 'order-processor'),
    name: 'default',
  });
// #endregion
