import { Injectable } from '@nestjs/common';

export interface Email {
  to: string;
  template: string;
}

@Injectable()
export class Mailer {
  async send(_email: Email): Promise<void> {}
}
