import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Peer } from './peer.ts';

/** HAProxy on one thread, upstream connections reused, chunks sent on at once. */
export const haproxy: Peer = {
  name: 'HAProxy',
  version() {
    const { stdout } = spawnSync('haproxy', ['-v'], { encoding: 'utf8' });
    return stdout?.match(/version (\d[\d.]*)/)?.[1];
  },
  command({ port, engineUrls, folder }) {
    const servers = engineUrls.map((url, index) => `  server engine${index} ${new URL(url).host} check`).join('\n');
    const config = `
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  option http-keep-alive
  option http-no-delay
  http-reuse always
frontend clients
  bind 127.0.0.1:${port} backlog 2048
  default_backend engines
backend engines
  balance roundrobin
${servers}
`;
    writeFileSync(`${folder}/haproxy.cfg`, config);
    return { file: 'haproxy', args: ['-f', `${folder}/haproxy.cfg`, '-db'] };
  },
};
