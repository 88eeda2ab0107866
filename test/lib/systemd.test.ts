import { daemonUnit } from '../../lib/systemd.ts';

const unit = { name: 'fleet-x', description: 'X', command: ['/usr/bin/x'], stopSeconds: 90 };

test('a daemon is restarted for ever', () => {
  expect(daemonUnit(unit)).toMatch(/Restart=always\n/);
  expect(daemonUnit(unit)).toMatch(/StartLimitIntervalSec=0\n/);
});

test('at a stop the daemon alone gets SIGTERM and has its time', () => {
  expect(daemonUnit(unit)).toMatch(/KillMode=mixed\nTimeoutStopSec=90\n/);
});

test('a daemon runs unprivileged and writes to its own folders only', () => {
  const text = daemonUnit(unit);
  for (const line of ['User=fleet', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'CapabilityBoundingSet=']) {
    expect(text.split('\n')).toContain(line);
  }
});

// ProtectClock limits the devices that a unit may open, and with that hides the GPUs.
test('a daemon that needs GPUs sees devices', () => {
  expect(daemonUnit({ ...unit, usesDevices: true })).not.toMatch(/PrivateDevices|ProtectClock/);
  expect(daemonUnit(unit)).toMatch(/PrivateDevices=yes\nProtectClock=yes\n/);
});

// ProtectControlGroups would mount read-only what Delegate gives.
test('a daemon that divides its control group has it delegated and writable; for others all groups are read-only', () => {
  const lines = (dividesCgroup: boolean) => daemonUnit({ ...unit, dividesCgroup }).split('\n');
  expect(lines(true)).toContain('Delegate=cpu memory pids');
  expect(lines(true).join()).not.toContain('ProtectControlGroups');
  expect(lines(false)).toContain('ProtectControlGroups=yes');
  expect(lines(false).join()).not.toContain('Delegate');
});

test('arguments arrive as they are: specifiers, variables, quotes and spaces', () => {
  const text = daemonUnit({ ...unit, command: ['/usr/bin/x', '50%', '$HOME', 'a b', '{"k": "v\\n"}', ''] });
  expect(text).toContain('ExecStart=/usr/bin/x 50%% $$HOME "a b" "{\\"k\\": \\"v\\\\n\\"}" ""\n');
});

test('a daemon that needs another service starts after it, and not without it', () => {
  const text = daemonUnit({ ...unit, requires: ['fleet-storage'] });
  expect(text).toContain('\nAfter=network-online.target fleet-storage.service\nRequires=fleet-storage.service\n');
  expect(daemonUnit(unit)).toContain('\nAfter=network-online.target\nStartLimit');
});

test('a daemon is in further groups only where it asks for them', () => {
  expect(daemonUnit({ ...unit, groups: ['docker'] })).toContain('\nSupplementaryGroups=docker\n');
  expect(daemonUnit(unit)).not.toContain('SupplementaryGroups');
});

test('what only root may do keeps the rest of the hardening, and leaves the folders of the daemons to their user', () => {
  const text = daemonUnit({ ...unit, isPrivileged: true });
  expect(text).not.toMatch(/^(User|StateDirectory|LogsDirectory)=/m);
  for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict', 'PrivateDevices=yes']) {
    expect(text.split('\n')).toContain(line);
  }
});

test('a daemon whose data is on a disk of its own does not start without it', () => {
  expect(daemonUnit({ ...unit, needsMount: '/var/lib/fleet/x' })).toMatch(/^RequiresMountsFor=\/var\/lib\/fleet\/x$/m);
  expect(daemonUnit(unit)).not.toContain('RequiresMountsFor');
});
