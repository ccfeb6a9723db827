# The demo's service: answers every request with its version and task, one connection at a time.
# Told to stop, it answers whoever is already connected and then ends.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();

$| = 1;
my $version = $ENV{VERSION} // 'none';
my $task = $ENV{TASK} // (POSIX::uname())[1];
my $server = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => 8080, Listen => 512, ReuseAddr => 1) or die "listen: $!";
my $stopping = 0;
$SIG{TERM} = sub { $stopping = 1 };
$SIG{PIPE} = 'IGNORE';
print "version $version, task $task: ready\n";

while (1) {
    my $bits = '';
    vec($bits, fileno($server), 1) = 1;
    my $ready = select($bits, undef, undef, $stopping ? 0 : 0.05);
    last if $stopping && $ready <= 0;
    next if $ready <= 0;
    my $client = $server->accept or next;
    answer($client);
    close $client;
}
print "version $version, task $task: ended\n";

sub answer {
    my ($client) = @_;
    my $request = '';
    while ($request !~ /\r?\n\r?\n/) {
        my $bits = '';
        vec($bits, fileno($client), 1) = 1;
        return if select($bits, undef, undef, 1) <= 0;
        return unless sysread($client, $request, 4096, length $request);
        return if length $request > 65536;
    }
    my $peer = $client->peerhost // '?';
    my $body = "version=$version task=$task client=$peer\n";
    my $length = length $body;
    syswrite($client, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$body");
    shutdown($client, 1);
}
