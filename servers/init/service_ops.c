// What /proc and the program `service` see and change; see libipc/protocols/service.idl. Changing needs the session that
// the manifest hands out under the badge "service".
#include "servers/init/service_ops.h"

#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"
#include "libipc/server/server.h"
#include "servers/init/crash.h"
#include "servers/init/mutate.h"
#include "servers/init/report.h"
#include "servers/init/role.h"

enum { RELOAD_MOST = 16 << 20 };

#define BLAME_PAUSE (10 * SECOND) // between two restarts because of what programs say
#define BLAME_LATE  (SECOND / 10) // an answer from before a restart may be complained of so much later

static bool may_change(const struct request *request) {
    return request->badge == startup_badge("service");
}

static error_t named_role(struct request *request, uint64_t name_size, struct role **role) {
    char name[32];
    if (name_size >= sizeof(name))
        return ERR_NOT_FOUND;
    error_t error = request_copy_in(request, 0, name, name_size);
    if (error)
        return error;
    name[name_size] = 0;
    *role = role_find(name);
    return *role ? ERR_OK : ERR_NOT_FOUND;
}

static void fill_status(const struct role *role, struct service_status *status) {
    struct process_information information = {0};
    uint64_t quota, used = 0, peak, ceiling, sessions;
    *status = (struct service_status){
        .state = role->phase,
        .cause = role->cause,
        .started = role->started,
        .restarts = role->restarts,
        .recovery_time = role->recovery_time,
        .address = role->fault_address,
        .priority = role->entry->priority,
        .flags = (role->entry->optional ? SERVICE_FLAG_OPTIONAL : 0) | (role->entry->state ? SERVICE_FLAG_HAS_STATE : 0),
    };
    strncpy((char *)status->name, role->entry->name, sizeof(status->name) - 1);
    (void)endpoint_information(role->endpoint, &status->queued, &status->oldest, &sessions);
    (void)process_information(role->process, &information);
    (void)account_information(role->account, &quota, &used, &peak, &ceiling);
    status->memory_bytes = used;
    status->cpu_time = information.cpu_time;
    status->serial = information.serial;
}

static error_t init_service_next(struct request *request, const struct service_next_in *in, struct service_next_out *out) {
    (void)request;
    if (in->cursor >= role_count)
        return ERR_NOT_FOUND;
    fill_status(&roles[in->cursor], &out->status);
    out->cursor = in->cursor + 1;
    return ERR_OK;
}

static error_t init_service_status(struct request *request, const struct service_status_in *in, struct service_status_out *out) {
    struct role *role;
    error_t error = named_role(request, in->name_size, &role);
    if (!error)
        fill_status(role, &out->status);
    return error;
}

// init has the root account, in which all others lie.
static error_t init_service_charged(struct request *request, const struct service_charged_in *in,
                                    struct service_charged_out *out) {
    (void)request;
    (void)in;
    uint64_t used;
    error_t error = account_information(SLOT_ACCOUNT, NULL, &out->all_bytes, NULL, NULL);
    out->own_bytes = out->all_bytes;
    for (uint32_t i = 0; i < role_count && !error; i++) {
        error = account_information(roles[i].account, NULL, &used, NULL, NULL);
        if (!error)
            out->own_bytes -= used;
    }
    return error;
}

static error_t changeable_role(struct request *request, uint64_t name_size, struct role **role) {
    return may_change(request) ? named_role(request, name_size, role) : ERR_NOT_PERMITTED;
}

static error_t init_service_start(struct request *request, const struct service_start_in *in, struct service_start_out *out) {
    struct role *role;
    (void)out;
    error_t error = changeable_role(request, in->name_size, &role);
    if (error || role->phase == SERVICE_STATE_RUNNING)
        return error;
    role->faults = 0;
    role->restarts++;
    return role_start(role);
}

static error_t init_service_stop(struct request *request, const struct service_stop_in *in, struct service_stop_out *out) {
    struct role *role;
    (void)out;
    error_t error = changeable_role(request, in->name_size, &role);
    if (!error) {
        role->restart_at = 0;
        role_stop(role, SERVICE_CAUSE_KILLED);
        report("%s is stopped", role->entry->name);
    }
    return error;
}

static bool has_actor(const struct role *role) {
    return role->phase == SERVICE_STATE_RUNNING;
}

static error_t init_service_kill(struct request *request, const struct service_kill_in *in, struct service_kill_out *out) {
    struct role *role;
    (void)out;
    error_t error = changeable_role(request, in->name_size, &role);
    if (error || !has_actor(role))
        return error;
    report("%s is killed and starts again", role->entry->name);
    role_ended(role, SERVICE_CAUSE_KILLED, report_time());
    return ERR_OK;
}

static error_t init_service_restart(struct request *request, const struct service_restart_in *in,
                                    struct service_restart_out *out) {
    struct role *role;
    (void)out;
    error_t error = changeable_role(request, in->name_size, &role);
    if (error)
        return error;
    report("%s is restarted", role->entry->name);
    role->faults = 0;
    role_ended(role, SERVICE_CAUSE_KILLED, report_time());
    return role->phase == SERVICE_STATE_FAILED ? ERR_NOT_EXECUTABLE : ERR_OK;
}

static error_t init_service_power(struct request *request, const struct service_power_in *in, struct service_power_out *out) {
    (void)out;
    return may_change(request) ? kernel_power(SLOT_KERNEL, in->action) : ERR_NOT_PERMITTED;
}

// The file that a caller handed over, in memory of init's own: the caller's may go with it.
static error_t own_copy(cap_t theirs, uint64_t length, const char **file) {
    uint64_t from, to = 0, bytes = (length + 4095) & ~UINT64_C(4095);
    cap_t memory;
    if (length == 0 || length > RELOAD_MOST)
        return ERR_NOT_EXECUTABLE;
    error_t error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ, theirs, &from);
    if (error)
        return error;
    error = account_create_memory(SLOT_ACCOUNT, bytes, &memory);
    if (!error) {
        error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &to);
        slot_release(memory); // the mapping keeps it
    }
    if (!error)
        memcpy((void *)to, (const void *)from, length); // NOLINT(performance-no-int-to-ptr)
    *file = (const char *)to;                           // NOLINT(performance-no-int-to-ptr)
    error_t unmapped = process_unmap(SLOT_SELF, from, bytes);
    return error ? error : unmapped;
}

static error_t init_service_reload(struct request *request, const struct service_reload_in *in, struct service_reload_out *out) {
    struct role *role;
    (void)out;
    error_t error = changeable_role(request, in->name_size, &role);
    if (error)
        return error;
    const char *file = NULL;
    size_t length = in->length;
    bool same = !in->image && !role->reloaded;
    if (same) {
        report("%s is loaded again", role->entry->name);
        role_ended(role, SERVICE_CAUSE_RELOADED, report_time());
        return ERR_OK;
    }
    if (in->image) {
        error = own_copy(in->image, length, &file);
    } else {
        error = image_find(role->entry->arguments[0], &file, &length);
    }
    if (error)
        return error;
    struct image fresh = {.file = file, .length = length};
    error = image_load(&fresh, file, length);
    fresh.is_copy = in->image != 0;
    if (error) {
        image_release(&fresh);
        return error;
    }
    report("%s gets a new program", role->entry->name);
    if (role->has_memory && has_actor(role)) { // which the new program can't read: it gets records
        error = role_hand_over(role, &fresh, report_time());
        if (!error) {
            init_resume(&init_timer);
            return request_defer(request, &role->reloader);
        }
        image_release(&fresh);
        return error;
    }
    image_release(&role->previous);
    role->previous = role->image;
    role->image = fresh;
    role->reloaded = in->image != 0;
    role->reloaded_at = report_time();
    role->faults = 0;
    role_ended(role, SERVICE_CAUSE_RELOADED, report_time());
    return ERR_OK;
}

static error_t init_service_point(struct request *request, const struct service_point_in *in, struct service_point_out *out) {
    struct role *role;
    (void)out;
    error_t error = changeable_role(request, in->name_size, &role);
    if (error)
        return error;
    const struct server_point point = {.event = in->event, .left = in->number};
    uint64_t address = has_actor(role) ? image_object(&role->image, "server_point") : 0, count;
    if (!address || in->event > SERVICE_EVENT_LIE || in->event == POINT_HANDOVER)
        return ERR_NOT_SUPPORTED;
    error = process_poke(role->process, address, &point, sizeof(point), &count);
    role->has_point = !error && in->number;
    return error;
}

static error_t init_service_mutate(struct request *request, const struct service_mutate_in *in, struct service_mutate_out *out) {
    struct role *role;
    error_t error = changeable_role(request, in->name_size, &role);
    if (error)
        return error;
    out->base = role->image.base;
    error = mutate(role, in->offset, in->value, in->count, &out->was);
    role->has_point = false; // what comes of it is the program's own fault
    return error;
}

static error_t init_service_capabilities(struct request *request, const struct service_capabilities_in *in,
                                         struct service_capabilities_out *out) {
    struct role *role;
    error_t error = named_role(request, in->name_size, &role);
    for (uint32_t i = 0; !error && i < role->entry->session_count; i++) {
        const struct manifest_session *session = &role->entry->sessions[i];
        const char *const parts[] = {session->name, " ", session->role, "\n"};
        for (uint32_t part = 0; !error && part < 4; part++) {
            error = request_copy_out(request, out->count, parts[part], strlen(parts[part]));
            out->count += strlen(parts[part]);
        }
    }
    return error;
}

static bool is_role(uint64_t badge) {
    for (uint32_t i = 0; i < role_count; i++)
        if (badge == startup_badge(roles[i].entry->name))
            return true;
    return false;
}

// A program may say so without reason: it gets no more than one restart in a while by it.
static error_t init_service_blame(struct request *request, const struct service_blame_in *in, struct service_blame_out *out) {
    static struct crash crash;
    uint64_t badge, now = report_time();
    struct role *guilty = NULL;
    (void)out;
    if (!is_role(request->badge))
        return ERR_NOT_PERMITTED;
    for (uint32_t i = 0; i < role_count && !guilty; i++)
        if (endpoint_identify(roles[i].endpoint, in->server, &badge) == ERR_OK)
            guilty = &roles[i];
    if (!guilty)
        return ERR_NOT_FOUND;
    uint64_t age = now - guilty->started;
    if (!has_actor(guilty) || (guilty->cause == SERVICE_CAUSE_LIED && age < BLAME_LATE))
        return ERR_OK; // the answer came from the actor before
    if (guilty->restarts && age < BLAME_PAUSE && request->badge == startup_badge("process"))
        return ERR_AGAIN;
    crash_stop(&crash, guilty);
    role_ended(guilty, SERVICE_CAUSE_LIED, now);
    lie_report(guilty, &crash);
    init_resume(&init_timer);
    return ERR_OK;
}

const struct service_ops init_service_ops = {
    .next = init_service_next,
    .status = init_service_status,
    .start = init_service_start,
    .stop = init_service_stop,
    .kill = init_service_kill,
    .restart = init_service_restart,
    .reload = init_service_reload,
    .power = init_service_power,
    .point = init_service_point,
    .mutate = init_service_mutate,
    .capabilities = init_service_capabilities,
    .charged = init_service_charged,
    .blame = init_service_blame,
};
