/* A dump's table of contents: what is read from pg_restore -l, what goes over in which step, and what stays. */
#include "unit.h"

#include "../../replicator/schema/toc.h"

/* As pg_restore 15 prints it, names with blanks, quotes and semicolons too. */
static const char listing[] = ";\n"
                              "; Archive created at 2026-01-31 02:00:00 UTC\n"
                              ";     dbname: app\n"
                              ";\n"
                              "; Selected TOC Entries:\n"
                              ";\n"
                              "3666; 0 0 COMMENT - SCHEMA public pg_database_owner\n"
                              "8; 2615 2200 SCHEMA - public pg_database_owner\n"
                              "9; 2615 16702 SCHEMA - we ird app\n"
                              "3680; 0 0 COMMENT - SCHEMA we ird app\n"
                              "2; 3079 16386 EXTENSION - citext \n"
                              "3667; 0 0 COMMENT - EXTENSION citext \n"
                              "1004; 1247 16704 TYPE public mood app\n"
                              "1007; 1247 16710 DOMAIN public pos app\n"
                              "269; 1255 16761 FUNCTION public bump(integer, text) app\n"
                              "219; 1259 16713 TABLE public account app\n"
                              "3670; 0 0 COMMENT public TABLE account app\n"
                              "3690; 0 0 ACL public TABLE account app\n"
                              "218; 1259 16712 SEQUENCE public account_id_seq app\n"
                              "3672; 0 0 SEQUENCE OWNED BY public account_id_seq app\n"
                              "227; 1259 16768 MATERIALIZED VIEW public mv app\n"
                              "224; 1259 16751 TABLE public part1 app\n"
                              "222; 1259 16739 TABLE we ird ta \"ble; x app\n"
                              "3485; 0 0 TABLE ATTACH public part1 app\n"
                              "3487; 2604 16716 DEFAULT public account id app\n"
                              "3700; 1417 16800 USER MAPPING - USER MAPPING app SERVER other app\n"
                              "3493; 2606 16720 CONSTRAINT public account account_pkey app\n"
                              "3489; 2606 16785 CHECK CONSTRAINT public account chk app\n"
                              "3673; 0 0 COMMENT public INDEX account_email_key app\n"
                              "3494; 1259 16738 INDEX public odd idx; name app\n"
                              "3507; 0 0 INDEX ATTACH public part1_pkey app\n"
                              "3509; 3381 16784 STATISTICS public st app\n"
                              "228; 1259 16790 MATERIALIZED VIEW public late app\n"
                              "3657; 2618 16777 RULE public v r app\n"
                              "3511; 2620 16763 TRIGGER public account t_account app\n"
                              "3510; 2606 16732 FK CONSTRAINT public order order_account_id_fkey app\n"
                              "3710; 0 0 COMMENT public CONSTRAINT order_account_id_fkey ON order app\n"
                              "3711; 0 0 COMMENT public CONSTRAINT \"odd fk\" ON order app\n"
                              "3658; 0 16724 ROW SECURITY public order app\n"
                              "3659; 3256 16778 POLICY public order pol app\n"
                              "3484; 3466 16620 EVENT TRIGGER - et postgres\n"
                              "3720; 6104 16900 PUBLICATION - pub app\n"
                              "3721; 6106 16901 PUBLICATION TABLE public pub account app\n"
                              "3722; 0 16768 MATERIALIZED VIEW DATA public mv app\n"
                              "2132; 826 17000 DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES app\n";

struct fixture {
    struct arena *a;
    struct toc toc;
};

static int setup(void **arg)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err e;
    f->a = arena_new();
    assert_true(toc_parse(listing, f->a, &f->toc, &e));
    *arg = f;
    return 0;
}

static int teardown(void **arg)
{
    struct fixture *f = *arg;
    arena_free(f->a);
    free(f);
    return 0;
}

static struct toc_entry *by_id(struct fixture *f, int id)
{
    for (size_t i = 0; i < f->toc.count; i++)
        if (f->toc.items[i].id == id)
            return &f->toc.items[i];
    fail_msg("no entry %d", id);
    return NULL;
}

static void lines_are_read(void **arg)
{
    struct fixture *f = *arg;
    assert_int_equal(f->toc.count, 39);
    const struct toc_entry *t = by_id(f, 222);
    assert_int_equal(t->class_oid, 1259);
    assert_int_equal(t->oid, 16739);
    assert_string_equal(t->kind, "TABLE");
    assert_string_equal(t->rest, "we ird ta \"ble; x app");
    assert_string_equal(by_id(f, 269)->rest, "public bump(integer, text) app");
    assert_string_equal(by_id(f, 3494)->rest, "public odd idx; name app");
}

static void kinds_of_several_words_are_told_apart(void **arg)
{
    struct fixture *f = *arg;
    assert_string_equal(by_id(f, 3672)->kind, "SEQUENCE OWNED BY");
    assert_string_equal(by_id(f, 3485)->kind, "TABLE ATTACH");
    assert_string_equal(by_id(f, 3510)->kind, "FK CONSTRAINT");
    assert_string_equal(by_id(f, 3489)->kind, "CHECK CONSTRAINT");
    assert_string_equal(by_id(f, 227)->kind, "MATERIALIZED VIEW");
    assert_string_equal(by_id(f, 3722)->kind, "MATERIALIZED VIEW DATA");
    assert_string_equal(by_id(f, 3721)->kind, "PUBLICATION TABLE");
    assert_string_equal(by_id(f, 2132)->kind, "DEFAULT ACL");
}

static void entries_belong_to_steps(void **arg)
{
    struct fixture *f = *arg;
    const int pre[] = {9, 2, 1004, 1007, 269, 219, 218, 3672, 227, 224, 222, 3485, 3487};
    /* What waits for a key, such as a view that groups by it, comes with the keys. */
    const int indexes[] = {3493, 3494, 3507, 3509, 228};
    const int constraints[] = {3489, 3657, 3511, 3510, 3658, 3659};
    const int comments[] = {3680, 3670, 3673, 3710, 3711};
    for (size_t i = 0; i < COUNT(pre); i++)
        assert_int_equal(by_id(f, pre[i])->step, TOC_PRE_DATA);
    for (size_t i = 0; i < COUNT(indexes); i++)
        assert_int_equal(by_id(f, indexes[i])->step, TOC_INDEXES);
    for (size_t i = 0; i < COUNT(constraints); i++)
        assert_int_equal(by_id(f, constraints[i])->step, TOC_CONSTRAINTS);
    for (size_t i = 0; i < COUNT(comments); i++)
        assert_int_equal(by_id(f, comments[i])->step, TOC_COMMENTS);
}

static void what_breaks_on_the_target_stays(void **arg)
{
    struct fixture *f = *arg;
    const int stays[] = {3666, 8, 3667, 3690, 3700, 3484, 3720, 3721, 3722, 2132};
    const int told[] = {3700, 3484, 3720};
    size_t n = 0, ntold = 0;
    for (size_t i = 0; i < COUNT(stays); i++)
        assert_non_null(by_id(f, stays[i])->left_out);
    for (size_t i = 0; i < COUNT(told); i++)
        assert_true(by_id(f, told[i])->told);
    for (size_t i = 0; i < f->toc.count; i++) {
        n += f->toc.items[i].left_out != NULL;
        ntold += f->toc.items[i].told;
    }
    assert_int_equal(n, COUNT(stays));
    assert_int_equal(ntold, COUNT(told));
}

static void objects_are_found_by_number(void **arg)
{
    struct fixture *f = *arg;
    assert_ptr_equal(toc_find(&f->toc, 2606, 16732), by_id(f, 3510));
    assert_ptr_equal(toc_find(&f->toc, 1259, 16713), by_id(f, 219));
    assert_null(toc_find(&f->toc, 1259, 16732));
    assert_null(toc_find(&f->toc, 0, 0));
}

/* The lines of a step that are left to do. */
static size_t lines_left(const struct toc *t, enum toc_step step, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        if (toc_left(&t->items[i], step)) {
            buf_printf(out, "%s\n", t->items[i].line);
            n++;
        }
    return n;
}

static void what_is_there_is_not_made_again(void **arg)
{
    struct fixture *f = *arg;
    struct buf lines = {0};
    toc_present(&f->toc, 2606, 16720, false);
    toc_present(&f->toc, 1259, 16738, false);
    toc_present(&f->toc, 1259, 99999, false); /* an object that the list does not hold */
    assert_int_equal(lines_left(&f->toc, TOC_INDEXES, &lines), 3);
    assert_string_equal(buf_text(&lines), "3507; 0 0 INDEX ATTACH public part1_pkey app\n"
                                          "3509; 3381 16784 STATISTICS public st app\n"
                                          "228; 1259 16790 MATERIALIZED VIEW public late app\n");
    buf_free(&lines);
}

static void a_partition_is_attached_once(void **arg)
{
    struct fixture *f = *arg;
    toc_present(&f->toc, 1259, 16751, false); /* made, and killed before it was attached */
    assert_false(by_id(f, 3485)->present);
    toc_present(&f->toc, 1259, 16751, true);
    assert_true(by_id(f, 3485)->present);
}

static void a_left_out_constraint_takes_its_comment_along(void **arg)
{
    struct fixture *f = *arg;
    toc_leave_out_comment(&f->toc, "public", "order_account_id_fkey", "order");
    toc_leave_out_comment(&f->toc, "public", "odd fk", "order");
    assert_non_null(by_id(f, 3710)->left_out);
    assert_non_null(by_id(f, 3711)->left_out);
    assert_null(by_id(f, 3673)->left_out);
}

static void numbers_are_arrays_for_sql(void **arg)
{
    struct arena *a = arena_new();
    struct toc t;
    struct err e;
    struct buf classes = {0}, oids = {0};
    (void)arg;
    assert_true(toc_parse("1; 1259 16713 TABLE public a app\n2; 0 0 COMMENT public TABLE a app\n"
                          "3; 2606 16720 CONSTRAINT public a a_pkey app\n",
                          a, &t, &e));
    toc_numbers(&t, &classes, &oids);
    assert_string_equal(classes.data, "{1259,2606}");
    assert_string_equal(oids.data, "{16713,16720}");
    buf_free(&classes);
    buf_free(&oids);
    arena_free(a);
}

static void another_programs_words_are_refused(void **arg)
{
    const char *const wrong[] = {"hello", "12 1259 16713 TABLE public a app", "12; 1259 TABLE public a app",
                                 "12; 1259 16713 ", "; fine\n12;"};
    struct arena *a = arena_new();
    struct toc t;
    struct err e;
    (void)arg;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(toc_parse(wrong[i], a, &t, &e));
        assert_int_equal(e.kind, ERR_OS);
    }
    assert_true(toc_parse("", a, &t, &e));
    assert_int_equal(t.count, 0);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(kinds_of_several_words_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(entries_belong_to_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(what_breaks_on_the_target_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(objects_are_found_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_there_is_not_made_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_partition_is_attached_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_left_out_constraint_takes_its_comment_along, setup, teardown),
        cmocka_unit_test(numbers_are_arrays_for_sql),
        cmocka_unit_test(another_programs_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
