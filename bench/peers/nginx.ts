import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Peer } from './peer.ts';

/** nginx as a streaming reverse proxy: one worker process, kept upstream connections, nothing buffered. */
export const nginx: Peer = {
  name: 'nginx',
  version() {
    const { stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
    return stderr?.match(/nginx\/(\S+)/)?.[1];
  },
  command({ port, engineUrls, folder }) {
    const servers = engineUrls.map((url) => `    server ${new URL(url).host};`).join('\n');
    const config = `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx-error.log;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_max_body_size 1g;
  keepalive_requests 1000000;
  upstream engines {
${servers}
    keepalive 512;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=2048;
    location / {
      proxy_pass http://engines;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`;
    writeFileSync(`${folder}/nginx.conf`, config);
    return { file: 'nginx', args: ['-c', `${folder}/nginx.conf`, '-p', folder, '-e', `${folder}/nginx-error.log`] };
  },
};
