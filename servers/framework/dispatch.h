// The tables of handlers that the framework's files make, one per protocol.
#pragma once

#include "libipc/protocols/directory_server.h"
#include "libipc/protocols/file_server.h"
#include "libipc/protocols/filesystem_server.h"

extern const struct file_ops tree_file_ops;             // file_ops.c
extern const struct filesystem_ops tree_filesystem_ops; // filesystem_ops.c
// directory_ops.c, with the changing half from change_ops.c
extern const struct directory_ops tree_directory_ops;

error_t tree_make_directory(struct request *request, const struct directory_make_directory_in *in,
                            struct directory_make_directory_out *out);
error_t tree_make_node(struct request *request, const struct directory_make_node_in *in, struct directory_make_node_out *out);
error_t tree_make_symlink(struct request *request, const struct directory_make_symlink_in *in,
                          struct directory_make_symlink_out *out);
error_t tree_make_link(struct request *request, const struct directory_make_link_in *in, struct directory_make_link_out *out);
error_t tree_rename(struct request *request, const struct directory_rename_in *in, struct directory_rename_out *out);
error_t tree_unlink(struct request *request, const struct directory_unlink_in *in, struct directory_unlink_out *out);
