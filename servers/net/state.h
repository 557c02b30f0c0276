// What the files of the server share. Everything lies in memory that outlives the actor (docs/recovery.md):
// connections, sockets, addresses. Only frames lie in memory that is shared with the drivers.
#pragma once

#include "libipc/protocols/file_server.h"
#include "libipc/protocols/net_server.h"
#include "libipc/protocols/socket_server.h"
#include "libipc/server/server.h"
#include "libipc/server/session_table.h"
#include "libipc/server/timer.h"
#include "libipc/transfer/nic_rings.h"
#include "servers/framework/poll_list.h"
#include "servers/net/dhcp.h"
#include "servers/net/stack/send_queue.h"
#include "servers/net/stack/stack.h"

enum {
    LINKS_MAX = 4,
    LINK_ENTRIES = 256,      // of each ring: what comes in two milliseconds of a flood
    LINK_ENTRIES_SMALL = 16, // on a machine with little memory
    LINK_BATCH = 16,         // frames that are taken in at once: what they change fits the undo log
    LINK_BATCH_BYTES = 65536,
    FRAME_LARGEST = 65535 + 14,
    BIT_START = 0, // of the notification: the loop has begun
    BIT_LINK = 8,  // the first link's
    DATAGRAM_MOST = 65536,
    WAITERS_MAX = 64, // at one socket
    NAME_SERVERS_MAX = 3,
    LEAST_MTU = 576,
    SETTINGS_MAX = NET_CONFIGURE_SETTINGS_MAX / sizeof(struct net_setting),
};

// A card: rings that are shared with its driver, and what of them is ours.
struct link {
    struct interface *interface; // NULL: this entry is free
    cap_t session;
    cap_t rings_memory, frames_memory; // kept for another build (link_handover.c)
    struct nic_rings rings;
    uint32_t entries;
    uint8_t *frames; // `entries` rooms to receive of NIC_ROOM_BYTES, then as many to send of NIC_PAGE_BYTES, and LINK_LARGE_MOST
    uint32_t buffer;
    uint32_t sent, completed; // positions of the ring to send
    uint32_t given, taken;    // of the ring to receive
    uint32_t link_seen;
    uint32_t bit;
    bool prefix;        // see struct nic_prefix
    bool used;          // since the last flush
    struct timer pause; // armed: nothing is taken in
};

// Pages of a file that a card reads; attached to it. In net.files from then on until the driver has been told that nobody needs
// them any more.
struct net_file {
    struct stack_file file; // first
    struct net_file *next;
    struct link *link;
    cap_t memory;
    uint64_t buffer; // as attach_pages answered
    bool returned;   // the stack needs it no more
};

struct interface_config {
    struct dhcp dhcp;
    enum net_lease_state state;
    struct address servers[NAME_SERVERS_MAX]; // of names
    uint32_t server_count;
};

struct session;
struct operation;

// A request that waits for its socket.
struct waiter {
    struct deferred deferred; // first
    struct waiter *next;
    struct session *session;
    struct operation *operation;
    struct timer timer;
    bool timed;
};

// A request that an actor before had begun with when it handed over: it comes again under its number, and goes on there.
struct request_part {
    uint64_t thread, count; // its number; 0: none
    uint64_t done;          // bytes
};
enum session_part { PART_WRITE, PART_READ, PART_CONNECT, SESSION_PARTS };

// An open socket as its holders see it.
struct session {
    uint64_t badge;
    struct socket *socket;
    uint64_t flags;                         // enum file_flag
    uint64_t receive_timeout, send_timeout; // nanoseconds
    bool changed;
    uint64_t changes; // that were looked at
    struct session *next_changed;
    struct poll_list polls;
    struct waiter *first, *last;
    uint32_t waiting;
    struct fiber_wait_queue fibers; // accept, connect
    struct request_part parts[SESSION_PARTS];
};

struct net {
    struct server server;
    struct stack stack;
    struct session_table sessions;
    struct session *changed;
    struct link links[LINKS_MAX];
    struct interface_config configs[INTERFACES_MAX]; // by index - 1
    struct net_setting settings[SETTINGS_MAX];       // what was configured
    uint32_t setting_count;
    bool configured;
    struct timer configure_timer; // DHCP begins if nobody configures anything
    uint64_t settle_until;        // cards, links and addresses that are new: who finds no way waits as long, see config_settles
    struct fiber_wait_queue settling;
    uint32_t attaching; // drivers whose cards are still looked for
    struct timer timer;
    uint64_t timer_at;
    uint8_t *scratch; // one datagram; not kept
    uint8_t *frame;   // one that came in, FRAME_LARGEST bytes; not kept
    struct net_file *files;
    bool giving_back;  // a fiber is at it, see send_file.c
    bool started;      // the cards are looked for
    bool detached;     // requests of the actor before have not all come again
    bool senders_wait; // for room to send frames
};

extern struct net net;

// Around whatever touches the stack: the clock before; what follows from it after.
void net_begin(void);
void net_end(void);

// --- link.c
// Attaches to the cards of the drivers that the manifest names.
void links_start(void);
void links_flush(void);
// Half of what a card's ring holds: less is not worth a look, which costs what a batch costs.
bool links_have_room(void);
// Asks drivers to tell when frames were sent.
void links_watch(void);
void links_resumed(void);
uint64_t link_frame_bytes(uint32_t entries); // of its frames' memory
// Whether its card is given pages of files.
bool link_reads_files(const struct link *link);
// Goes on with rings that are there.
void link_resume(struct link *link, struct interface *interface);

// --- send_file.c
error_t net_send_file(struct request *request, const struct socket_send_file_in *in, struct socket_send_file_out *out);
void files_start(void); // the stack's functions for files
// Begins to give back to the drivers what the stack has returned.
void files_give_back(void);

// --- session.c
MUST_USE error_t session_make(struct socket *socket, uint64_t flags, cap_t *capability);
// The same socket under the badge that it had for an actor before. ERR_NO_MEMORY, ERR_EXISTS.
MUST_USE error_t session_take(uint64_t badge, struct socket *socket, struct session **result);
struct session *session_find(uint64_t badge);
void session_closed(uint64_t badge);
void session_note(struct session *session); // it has changed
// Requests that can go on now are answered, and those who poll are told.
void sessions_settle(void);

// --- wait.c
struct mover {
    struct request *request;
    struct deferred *deferred;
};
// Tries a request of socket_ops.c; what can't be done now is put aside until it can.
MUST_USE error_t operation_begin(struct session *session, struct request *request, struct operation *operation);
void waiters_serve(struct session *session);
void waiters_end(struct session *session, error_t status);

// --- config.c
void config_start(bool is_restart);
void config_await(void); // DHCP begins if nobody configures anything
// DHCP goes on where it was; see dhcp_resume.
MUST_USE error_t config_resume(struct interface *interface, const struct dhcp *before, uint64_t step_at);
// Takes the settings over. ERR_INVALID: one makes no sense, nothing has changed.
MUST_USE error_t config_replace(const struct net_setting *settings, uint32_t count);
struct interface_config *config_of(const struct interface *interface);
// True if an interface may still get an address or a route: its card was found, its cable was put in or its DHCP has begun within
// the last seconds. Who finds no way waits on net.settling until net.settle_until.
bool config_settles(bool v6);
// Lets others go on until something of that has changed. ERR_DEADLINE, ERR_CANCELLED.
MUST_USE error_t config_wait(bool v6);
// From now on an interface is new.
void config_settle_again(void);
// A cable was put in.
void config_link_up(struct interface *interface);
// An interface has appeared: what the configuration says of it.
void config_interface(struct interface *interface);

// --- options.c
error_t net_get_option(struct request *request, const struct socket_get_option_in *in, struct socket_get_option_out *out);
error_t net_set_option(struct request *request, const struct socket_set_option_in *in, struct socket_set_option_out *out);
uint32_t address_to_family(const struct socket *socket);

extern const struct file_ops net_file_ops;
extern const struct socket_ops net_socket_ops;
extern const struct net_ops net_net_ops;
